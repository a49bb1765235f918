// Goal: manifests and indexes of every tool are read, those that could mean two things are not, and
// from an index the one entry is taken that hosts can run.
#include "artifact/manifest.h"

#include <gtest/gtest.h>

#include <string>

#include "artifact/media_types.h"

namespace trellis::artifact {
namespace {

const std::string kDigest = "sha256:" + std::string(64, 'a');

std::string descriptor(const std::string& digest, const std::string& more = "") {
  return R"({"mediaType":"m","size":3,"digest":")" + digest + "\"" + more + "}";
}

IndexEntry entry(const std::string& os, const std::string& architecture, bool attestation = false) {
  return {{os + "/" + architecture, kDigest, 1}, os, architecture, attestation};
}

std::string chosen(const std::vector<IndexEntry>& index) {
  const auto found = choose(index, "reg.io/a:1");
  return found ? found->media_type : found.error().detail;
}

TEST(Manifest, ReadsWhatItWrites) {
  Manifest manifest;
  manifest.config = {"c", kDigest, 2};
  manifest.layers = {{"l", kDigest, 3}};
  manifest.annotations = {{"org.opencontainers.image.title", "echo \"x\""}};
  const auto again = parse_manifest(write_manifest(manifest));
  ASSERT_TRUE(again);
  EXPECT_EQ(again->layers.front().size, 3u);
  EXPECT_EQ(again->annotations, manifest.annotations);
}

TEST(Manifest, MayHaveNoConfigAndOddAnnotations) {
  const auto manifest = parse_manifest(R"({"layers":[)" + descriptor(kDigest) +
                                       R"(],"annotations":{"a":1,"b":"c"}})");
  ASSERT_TRUE(manifest);
  EXPECT_EQ(manifest->annotations, (std::map<std::string, std::string>{{"b", "c"}}));
}

TEST(Manifest, ThatCouldMeanTwoThingsIsRefused) {
  const auto both = parse_document(R"({"layers":[)" + descriptor(kDigest) + R"(],"manifests":[)" +
                                   descriptor(kDigest) + "]}");
  ASSERT_FALSE(both);
  EXPECT_NE(both.error().detail.find("two things"), std::string::npos);
}

TEST(Manifest, SaysWhatIsWrong) {
  const struct {
    std::string text;
    const char* word;
  } cases[] = {
      {"", "JSON object"},
      {"[]", "JSON object"},
      {"{}", "no layers"},
      {R"({"fsLayers":[]})", "schema 1"},
      {R"({"layers":{}})", "no layers"},
      {R"({"layers":[1]})", "not an object"},
      {R"({"layers":[{"digest":"sha256:..\/..\/x","size":1}]})", "not a sha256 digest"},
      {R"({"layers":[{"digest":")" + kDigest + R"("}]})", "no size"},
      {R"({"layers":[{"digest":")" + kDigest + R"(","size":-1}]})", "size"},
      {R"({"manifests":[]})", "no manifests"},
      {R"({"manifests":[{"digest":"x","size":1}]})", "not a sha256 digest"},
  };
  for (const auto& c : cases) {
    const auto document = parse_document(c.text);
    ASSERT_FALSE(document) << c.text;
    EXPECT_NE(document.error().detail.find(c.word), std::string::npos) << document.error().detail;
  }
  std::string many;
  for (int i = 0; i < 300; ++i) many += (i == 0 ? "" : ",") + descriptor(kDigest);
  EXPECT_FALSE(parse_document(R"({"layers":[)" + many + "]}"));
  EXPECT_FALSE(parse_document(R"({"manifests":[)" + many + "]}"));
  EXPECT_FALSE(parse_manifest(R"({"manifests":[)" + descriptor(kDigest) + "]}"));
}

TEST(Index, ReadsPlatformsAndKnowsAttestations) {
  const auto document = parse_document(
      R"({"manifests":[)" +
      descriptor(kDigest, R"(,"platform":{"os":"wasip1","architecture":"wasm","variant":1})") +
      "," +
      descriptor(kDigest,
                 R"(,"annotations":{"vnd.docker.reference.type":"attestation-manifest"})") +
      "]}");
  ASSERT_TRUE(document) << document.error().detail;
  ASSERT_EQ(document->index.size(), 2u);
  EXPECT_EQ(document->index[0].architecture, "wasm");
  EXPECT_TRUE(document->index[1].is_attestation);
}

TEST(Index, GivesTheOnlyOneThenWasmThenThisMachine) {
  EXPECT_EQ(chosen({entry("windows", "arm")}), "windows/arm");
  EXPECT_EQ(chosen({entry("windows", "arm"), entry("unknown", "unknown", true)}), "windows/arm");
  const std::vector<IndexEntry> natives = {entry("linux", "arm64"), entry("darwin", "amd64"),
                                           entry("linux", "amd64")};
#if defined(__x86_64__)
  EXPECT_EQ(chosen(natives), "linux/amd64");
#else
  EXPECT_EQ(chosen(natives), "linux/arm64");
#endif
  auto with_wasm = natives;
  with_wasm.push_back(entry("wasi", "wasm"));
  EXPECT_EQ(chosen(with_wasm), "wasi/wasm");
  EXPECT_NE(chosen({entry("linux", "s390x"), entry("", "")}).find("by its digest"),
            std::string::npos);
  EXPECT_NE(chosen({}).find("0 manifests"), std::string::npos);
}

}  // namespace
}  // namespace trellis::artifact
