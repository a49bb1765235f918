// Goal: a reference gives exactly the bytes that were put under it, and everything that can be
// wrong with a reference, a layout or a file is said in words. Method: layouts in a temporary
// folder, whole and then damaged file by file.
#include "artifact/resolver.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "artifact/digest.h"
#include "artifact/file_io.h"
#include "artifact/layout.h"
#include "artifact/manifest.h"
#include "artifact/media_types.h"
#include "codec/json.h"

namespace trellis::artifact {
namespace {

namespace fs = std::filesystem;

const std::string kEcho = "wasmcloud.azurecr.io/echo:0.3.4";
const Bytes kWasm = {0, 'a', 's', 'm', 1, 0, 0, 0};

class ResolverTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "/artifact.XXXXXX";
    dir_ = ::mkdtemp(pattern.data());
    layout_ = dir_ + "/layout";
  }
  void TearDown() override { fs::remove_all(dir_); }

  Result<std::string> add(const std::string& reference, BytesView bytes) {
    return add_to_layout(layout_, reference, std::string(kActorLayer), std::string(kActorConfig),
                         bytes);
  }
  Resolver resolver(bool allow_latest = false, bool allow_files = true) const {
    return Resolver({{layout_}, allow_latest, allow_files});
  }
  std::string blob(const std::string& digest) const {
    return layout_ + "/blobs/sha256/" + digest.substr(7);
  }
  // A manifest of the test's own, under a name of its own.
  void add_manifest(const std::string& reference, const std::string& manifest,
                    const std::string& media_type = std::string(kOciManifest)) {
    ASSERT_TRUE(add(kEcho, kWasm));
    ASSERT_TRUE(write_file(blob(digest_of(as_bytes(manifest))), as_bytes(manifest)));
    auto item = to_json({media_type, digest_of(as_bytes(manifest)), manifest.size()});
    item["annotations"] = codec::json::object({{kRefName, reference}});
    codec::json::object index;
    index["manifests"] = codec::json::array({item});
    ASSERT_TRUE(write_file(layout_ + "/index.json", as_bytes(codec::json_write(index))));
  }
  static std::string text_of(const Bytes& bytes) { return std::string(as_text(bytes)); }

  std::string dir_;
  std::string layout_;
};

TEST_F(ResolverTest, GivesBackWhatWasAdded) {
  const auto digest = add(kEcho, kWasm);
  ASSERT_TRUE(digest) << digest.error().detail;
  const auto artifact = resolver().fetch(kEcho);
  ASSERT_TRUE(artifact) << artifact.error().detail;
  EXPECT_EQ(artifact->bytes, kWasm);
  EXPECT_EQ(artifact->digest, *digest);
  EXPECT_EQ(artifact->media_type, kActorLayer);
  EXPECT_EQ(artifact->reference, kEcho);
}

TEST_F(ResolverTest, ReplacesWhatHadTheReferenceAndDropsItsBlobs) {
  ASSERT_TRUE(add(kEcho, as_bytes("one")));
  ASSERT_TRUE(add("example.com/other:1", as_bytes("other")));
  ASSERT_TRUE(add(kEcho, as_bytes("two")));
  EXPECT_EQ(text_of(resolver().fetch(kEcho)->bytes), "two");
  EXPECT_EQ(text_of(resolver().fetch("example.com/other:1")->bytes), "other");
  EXPECT_FALSE(fs::exists(blob(digest_of(as_bytes("one")))));
  EXPECT_EQ(resolver().known_references().size(), 2u);
}

TEST_F(ResolverTest, KeepsEveryEntryWhenSeveralAddAtOnce) {
  constexpr int kThreads = 4;
  constexpr int kEach = 8;
  std::atomic<int> failed = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kEach; ++i) {
        const auto name = "example.com/a" + std::to_string(t) + ":" + std::to_string(i);
        if (!add(name, as_bytes(name))) ++failed;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(failed, 0);
  EXPECT_EQ(resolver().known_references().size(), static_cast<std::size_t>(kThreads * kEach));
}

TEST_F(ResolverTest, FindsByDigestPinAndRefusesAnotherDigest) {
  const auto digest = add(kEcho, kWasm);
  EXPECT_TRUE(resolver().fetch(kEcho + "@" + *digest));
  EXPECT_TRUE(resolver().fetch("wasmcloud.azurecr.io/echo@" + *digest));
  const auto other = resolver().fetch(kEcho + "@sha256:" + std::string(64, '0'));
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().code, Errc::not_found);
}

TEST_F(ResolverTest, SearchesLayoutsInOrder) {
  ASSERT_TRUE(add(kEcho, as_bytes("second")));
  const auto first = dir_ + "/first";
  ASSERT_TRUE(add_to_layout(first, kEcho, std::string(kActorLayer), "c", as_bytes("first")));
  const Resolver both({{dir_ + "/absent", first, layout_}, false, true});
  EXPECT_EQ(text_of(both.fetch(kEcho)->bytes), "first");
}

TEST_F(ResolverTest, JoinsAllLayersInOrder) {
  const std::string parts[] = {"one,", "two,", "three"};
  Manifest manifest;
  manifest.config = {"c", digest_of(as_bytes("{}")), 2};
  for (const auto& part : parts) {
    manifest.layers.push_back(
        {"application/vnd.oci.image.layer.v1.tar", digest_of(as_bytes(part)), part.size()});
  }
  add_manifest("example.com/layers:1", write_manifest(manifest));
  for (const auto& part : parts)
    ASSERT_TRUE(write_file(blob(digest_of(as_bytes(part))), as_bytes(part)));
  const auto artifact = resolver().fetch("example.com/layers:1");
  ASSERT_TRUE(artifact) << artifact.error().detail;
  EXPECT_EQ(text_of(artifact->bytes), "one,two,three");
}

TEST_F(ResolverTest, RefusesALayerThatIsNoModuleAndNamesItsType) {
  Manifest manifest;
  manifest.config = {"c", digest_of(as_bytes("{}")), 2};
  manifest.layers.push_back({"text/html", digest_of(kWasm), kWasm.size()});
  add_manifest("example.com/html:1", write_manifest(manifest));
  const auto artifact = resolver().fetch("example.com/html:1");
  ASSERT_FALSE(artifact);
  EXPECT_NE(artifact.error().detail.find("text/html"), std::string::npos);
}

TEST_F(ResolverTest, RefusesLayersThatClaimMoreThanTheLimit) {
  Manifest manifest;
  manifest.config = {"c", digest_of(as_bytes("{}")), 2};
  manifest.layers.push_back({std::string(kActorLayer), digest_of(kWasm), 1});
  manifest.layers.push_back({std::string(kActorLayer), digest_of(kWasm), SIZE_MAX});
  add_manifest("example.com/huge:1", write_manifest(manifest));
  const auto artifact = resolver().fetch("example.com/huge:1");
  ASSERT_FALSE(artifact);
  EXPECT_EQ(artifact.error().code, Errc::exhausted);
}

TEST_F(ResolverTest, NamesTheBlobThatIsDamagedOrMissing) {
  ASSERT_TRUE(add(kEcho, kWasm));
  const auto layer = digest_of(kWasm);
  ASSERT_TRUE(write_file(blob(layer), as_bytes("\1asm\1\0\0\0")));
  auto artifact = resolver().fetch(kEcho);
  ASSERT_FALSE(artifact);
  EXPECT_EQ(artifact.error().code, Errc::corrupt);
  EXPECT_NE(artifact.error().detail.find(layer), std::string::npos);

  ASSERT_TRUE(write_file(blob(layer), as_bytes("\1asm")));
  EXPECT_EQ(resolver().fetch(kEcho).error().code, Errc::corrupt);

  fs::remove(blob(layer));
  artifact = resolver().fetch(kEcho);
  ASSERT_FALSE(artifact);
  EXPECT_EQ(artifact.error().code, Errc::corrupt);
  EXPECT_NE(artifact.error().detail.find("missing"), std::string::npos);
}

TEST_F(ResolverTest, NamesTheManifestThatIsDamaged) {
  const auto digest = add(kEcho, kWasm);
  ASSERT_TRUE(digest);
  ASSERT_TRUE(write_file(blob(*digest), as_bytes("{}")));
  const auto artifact = resolver().fetch(kEcho);
  ASSERT_FALSE(artifact);
  EXPECT_EQ(artifact.error().code, Errc::corrupt);
  EXPECT_NE(artifact.error().detail.find(*digest), std::string::npos);
}

TEST_F(ResolverTest, RefusesADamagedIndexWithoutCrashing) {
  for (const auto* index : {"", "{", "[]", "{}", R"({"manifests":1})", R"({"manifests":[1]})",
                            R"({"manifests":[{"digest":"sha256:../../etc/passwd","size":1}]})",
                            R"({"manifests":[{"digest":3,"size":"x"}]})"}) {
    ASSERT_TRUE(add("example.com/a:1", kWasm));
    ASSERT_TRUE(write_file(layout_ + "/index.json", as_bytes(index)));
    const auto artifact = resolver().fetch(kEcho);
    ASSERT_FALSE(artifact) << index;
    EXPECT_EQ(artifact.error().code, Errc::corrupt) << index;
    fs::remove_all(layout_);
  }
}

TEST_F(ResolverTest, RefusesManifestsThatAreNone) {
  for (const auto* manifest : {"", "[]", "{}", R"({"layers":[]})", R"({"layers":[{}]})"}) {
    add_manifest("example.com/bad:1", manifest);
    EXPECT_EQ(resolver().fetch("example.com/bad:1").error().code, Errc::corrupt) << manifest;
    fs::remove_all(layout_);
  }
  add_manifest("example.com/bad:1", "{}", "text/html");
  EXPECT_EQ(resolver().fetch("example.com/bad:1").error().code, Errc::invalid);
}

TEST_F(ResolverTest, FollowsAnIndexToItsManifest) {
  Manifest manifest;
  manifest.config = {"c", digest_of(as_bytes("{}")), 2};
  manifest.layers.push_back({std::string(kActorLayer), digest_of(kWasm), kWasm.size()});
  const auto inner = write_manifest(manifest);
  const Descriptor descriptor{std::string(kOciManifest), digest_of(as_bytes(inner)), inner.size()};
  codec::json::object index;
  index["manifests"] = codec::json::array({to_json(descriptor)});
  add_manifest("example.com/index:1", codec::json_write(index), std::string(kOciIndex));
  EXPECT_EQ(resolver().fetch("example.com/index:1").error().code, Errc::corrupt);  // not there yet
  ASSERT_TRUE(write_file(blob(descriptor.digest), as_bytes(inner)));
  const auto artifact = resolver().fetch("example.com/index:1");
  ASSERT_TRUE(artifact) << artifact.error().detail;
  EXPECT_EQ(artifact->bytes, kWasm);
  EXPECT_EQ(artifact->digest, digest_of(as_bytes(codec::json_write(index))));
  // Another artifact is added: what the index leads to stays.
  ASSERT_TRUE(add("example.com/other:1", as_bytes("other")));
  EXPECT_TRUE(resolver().fetch("example.com/index:1"));
}

// What a registry would be.
class FakeSource : public Source {
 public:
  explicit FakeSource(Result<Artifact> answer) : answer_(std::move(answer)) {}
  Result<Artifact> fetch(const Reference&) const override {
    ++asked;
    return answer_;
  }
  mutable int asked = 0;

 private:
  const Result<Artifact> answer_;
};

TEST_F(ResolverTest, AsksTheRegistryForWhatNoLayoutHas) {
  ASSERT_TRUE(add(kEcho, as_bytes("layout")));
  const auto registry =
      std::make_shared<FakeSource>(Artifact{"", "sha256:r", "m", to_bytes("registry")});
  const Resolver both({.layouts = {layout_}, .registry = registry});
  EXPECT_EQ(text_of(both.fetch(kEcho)->bytes), "layout");
  EXPECT_EQ(registry->asked, 0);
  const auto artifact = both.fetch("oci://example.com/a:1");
  EXPECT_EQ(text_of(artifact->bytes), "registry");
  EXPECT_EQ(artifact->reference, "oci://example.com/a:1");
  EXPECT_EQ(both.fetch("example.com/a:latest").error().code, Errc::denied);
  EXPECT_EQ(registry->asked, 1);
}

TEST_F(ResolverTest, AsksTheRegistryFirstWhenToldSo) {
  ASSERT_TRUE(add(kEcho, as_bytes("layout")));
  const auto up = std::make_shared<FakeSource>(Artifact{"", "sha256:r", "m", to_bytes("registry")});
  EXPECT_EQ(text_of(Resolver({.layouts = {layout_}, .registry = up, .registry_first = true})
                        .fetch(kEcho)
                        ->bytes),
            "registry");
  for (const auto code : {Errc::not_found, Errc::unavailable, Errc::denied}) {
    const auto down = std::make_shared<FakeSource>(fail(code, "test", "no"));
    const Resolver resolver({.layouts = {layout_}, .registry = down, .registry_first = true});
    EXPECT_EQ(text_of(resolver.fetch(kEcho)->bytes), "layout");
    EXPECT_EQ(resolver.fetch("example.com/a:1").error().code, code);
  }
}

TEST_F(ResolverTest, SaysThatNobodyHasItOrWhyNobodyCouldSay) {
  ASSERT_TRUE(add(kEcho, kWasm));
  const auto lacks =
      std::make_shared<FakeSource>(fail(Errc::not_found, "test", "example.com has no a:1"));
  const auto missing =
      Resolver({.layouts = {layout_}, .registry = lacks}).fetch("wasmcloud.azurecr.io/ehco:0.3.4");
  EXPECT_EQ(missing.error().code, Errc::not_found);
  EXPECT_EQ(missing.error().detail, "wasmcloud.azurecr.io/ehco:0.3.4 was not found. Looked in '" +
                                        layout_ + "'. example.com has no a:1. Did you mean " +
                                        kEcho + "?");
  const auto down =
      std::make_shared<FakeSource>(fail(Errc::unavailable, "test", "example.com is down"));
  const auto unknown = Resolver({.layouts = {layout_}, .registry = down}).fetch("example.com/a:1");
  EXPECT_EQ(unknown.error().code, Errc::unavailable);
  EXPECT_EQ(unknown.error().detail,
            "Failed to fetch OCI bytes: example.com/a:1: example.com is down");
  EXPECT_EQ(
      Resolver({.layouts = {layout_}, .registry = down})
          .fetch("wasmcloud.azurecr.io/ehco:0.3.4")
          .error()
          .detail,
      "Failed to fetch OCI bytes: wasmcloud.azurecr.io/ehco:0.3.4: example.com is down. Did you "
      "mean " +
          kEcho + "?");
}

TEST_F(ResolverTest, SaysWhereItLookedAndWhatWasMeant) {
  ASSERT_TRUE(add(kEcho, kWasm));
  const auto typo = resolver().fetch("wasmcloud.azurecr.io/ehco:0.3.4");
  ASSERT_FALSE(typo);
  EXPECT_EQ(typo.error().code, Errc::not_found);
  EXPECT_EQ(typo.error().detail, "wasmcloud.azurecr.io/ehco:0.3.4 was not found. Looked in '" +
                                     layout_ + "'. Did you mean " + kEcho + "?");
  EXPECT_NE(resolver()
                .fetch("wasmcloud.azurecr.io/echo:9")
                .error()
                .detail.find("Known tags of wasmcloud.azurecr.io/echo: 0.3.4"),
            std::string::npos);
  EXPECT_NE(resolver().fetch("echo:0.3.4").error().detail.find("Did you mean " + kEcho),
            std::string::npos);
  EXPECT_EQ(resolver().fetch("ghcr.io/completely/different:1").error().detail.find("Did you mean"),
            std::string::npos);
}

TEST_F(ResolverTest, SuggestsWhatIsOfTheKindThatIsWanted) {
  ASSERT_TRUE(add("example.com/words:1", kWasm));
  ASSERT_TRUE(add_to_layout(layout_, "example.com/world:1", std::string(kProviderLayer),
                            std::string(kProviderConfig), as_bytes("archive")));
  const auto says = [&](std::optional<Kind> wanted) {
    const auto text = resolver().fetch("example.com/wordl:1", wanted).error().detail;
    return text.substr(text.find("Did you mean"));
  };
  EXPECT_EQ(says(Kind::actor), "Did you mean example.com/words:1?");
  EXPECT_EQ(says(Kind::provider), "Did you mean example.com/world:1?");
  EXPECT_EQ(resolver()
                .fetch("example.com/words:2", Kind::provider)
                .error()
                .detail.find("Known tags of example.com/words"),
            std::string::npos);
}

TEST_F(ResolverTest, SuggestsWhatDoesNotSayOfWhichKindItIs) {
  ASSERT_TRUE(
      add_to_layout(layout_, "example.com/words:1", "application/octet-stream", "c", kWasm));
  EXPECT_EQ(resolver().known_references(Kind::provider).size(), 1u);
}

TEST_F(ResolverTest, SaysWhenThereIsNoLayout) {
  EXPECT_NE(resolver().fetch(kEcho).error().detail.find("is not an OCI layout"), std::string::npos);
  EXPECT_NE(Resolver({}).fetch(kEcho).error().detail.find("No artifact layout"), std::string::npos);
}

TEST_F(ResolverTest, RefusesLatestUnlessAllowed) {
  ASSERT_TRUE(add("example.com/a:latest", kWasm));
  const auto refused = resolver().fetch("example.com/a:latest");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::denied);
  EXPECT_EQ(
      refused.error().detail,
      "Fetching images tagged 'latest' is currently prohibited in this host. This option can be "
      "overridden with WASMCLOUD_OCI_ALLOW_LATEST");
  EXPECT_EQ(resolver().fetch("example.com/a").error().code, Errc::denied);
  EXPECT_NE(resolver().fetch("echo_s.wasm").error().detail.find("file:///path/to/"),
            std::string::npos);
  EXPECT_TRUE(resolver(true).fetch("example.com/a:latest"));
  EXPECT_TRUE(resolver(true).fetch("example.com/a"));
}

TEST_F(ResolverTest, ReadsAFileAndRefusesWhatIsNone) {
  const auto path = dir_ + "/a.wasm";
  ASSERT_TRUE(write_file(path, kWasm));
  const auto artifact = resolver().fetch("file://" + path);
  ASSERT_TRUE(artifact) << artifact.error().detail;
  EXPECT_EQ(artifact->bytes, kWasm);
  EXPECT_EQ(artifact->digest, digest_of(kWasm));
  EXPECT_EQ(artifact->media_type, kActorLayer);

  EXPECT_EQ(resolver().fetch("file://" + path + "x").error().code, Errc::not_found);
  EXPECT_EQ(resolver().fetch("file://" + dir_).error().code, Errc::invalid);
  EXPECT_EQ(resolver(false, false).fetch("file://" + path).error().code, Errc::denied);
}

TEST_F(ResolverTest, DoesNotWaitForAFifo) {
  const auto path = dir_ + "/fifo";
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  EXPECT_EQ(resolver().fetch("file://" + path).error().code, Errc::invalid);
}

TEST_F(ResolverTest, RefusesToAddUnderANameThatCannotBeFetched) {
  for (const auto* name : {"example.com/a", "file:///a", "Example/A:1", ""}) {
    EXPECT_EQ(add(name, kWasm).error().code, Errc::invalid) << name;
  }
}

TEST(DefaultLayouts, AreTakenFromTheEnvironmentIfSaidThere) {
  ::setenv("TRELLIS_ARTIFACTS", "/somewhere:/else where::", 1);
  EXPECT_EQ(default_layouts(), (std::vector<std::string>{"/somewhere", "/else where"}));
  ::unsetenv("TRELLIS_ARTIFACTS");
  // The test program has no share/ beside it.
  EXPECT_EQ(installed_layout(), "");
  EXPECT_TRUE(default_layouts().empty());
}

TEST(Digest, IsLowerCaseSha256) {
  EXPECT_EQ(digest_of({}),
            "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

}  // namespace
}  // namespace trellis::artifact
