// Goal: what comes out of a pull is exactly what the reference names, whatever the registry sends.
#include "registry/pull.h"

#include <gtest/gtest.h>

#include "registry/fake_registry.h"

namespace trellis::registry {
namespace {

using namespace std::chrono_literals;
using artifact::Descriptor;
using artifact::digest_of;

const std::string kWasm("\0asm\1\0\0\0", 8);

class PullTest : public testing::Test {
 protected:
  Result<Pulled> pull_as(const std::string& rest) {
    const auto reference = *artifact::parse_reference(registry_.reference(rest));
    Session session(registry_.endpoint(), {}, {.deadline = runtime::Deadline::in(20s)});
    TRY(auto found, find(session, reference));
    return pull(session, std::move(found), reference);
  }
  Error refused(const std::string& rest) {
    auto pulled = pull_as(rest);
    EXPECT_FALSE(pulled);
    return pulled ? Error{} : pulled.error();
  }
  std::string manifest_of(const std::vector<Descriptor>& layers) {
    artifact::Manifest manifest;
    manifest.config = {"c", digest_of(as_bytes("{}")), 2};
    manifest.layers = layers;
    return artifact::write_manifest(manifest);
  }
  static std::string layer_type() { return std::string(artifact::kActorLayer); }

  FakeRegistry registry_;
};

TEST_F(PullTest, GivesWhatWasPushedByTagAndByDigest) {
  const auto digest = registry_.put("1", kWasm);
  for (const auto& rest : {std::string(":1"), "@" + digest, ":1@" + digest, ":other@" + digest}) {
    const auto pulled = pull_as(rest);
    ASSERT_TRUE(pulled) << rest << pulled.error().detail;
    EXPECT_EQ(as_text(pulled->bytes), kWasm);
    EXPECT_EQ(pulled->top.digest, digest);
    EXPECT_EQ(pulled->layers.front().media_type, artifact::kActorLayer);
  }
}

TEST_F(PullTest, TakesWhatTodaysToolsPush) {
  for (const auto* type : {"application/wasm", "application/vnd.oci.image.layer.v1.tar",
                           "application/vnd.wasm.content.layer.v1+wasm"}) {
    registry_.put("1", kWasm, type);
    EXPECT_TRUE(pull_as(":1")) << type;
  }
  registry_.put("1", kWasm, "application/vnd.oci.image.layer.v1.tar+gzip");
  EXPECT_NE(refused(":1").detail.find("tar+gzip"), std::string::npos);
}

TEST_F(PullTest, JoinsLayersAndKnowsThemApart) {
  std::vector<Descriptor> layers;
  for (const std::string part : {"one,", "two,", "three"}) {
    layers.push_back({layer_type(), digest_of(as_bytes(part)), part.size()});
    registry_.set("/v2/echo/blobs/" + layers.back().digest, part);
  }
  registry_.put_manifest("1", manifest_of(layers));
  const auto pulled = pull_as(":1");
  ASSERT_TRUE(pulled);
  EXPECT_EQ(as_text(pulled->bytes), "one,two,three");
  const auto blobs = pulled->blobs();
  ASSERT_EQ(blobs.size(), 4u);
  for (const auto& blob : blobs) EXPECT_EQ(digest_of(blob.bytes), blob.digest);
}

TEST_F(PullTest, FollowsAnIndexToTheWasmInIt) {
  const auto wasm = manifest_of({{layer_type(), digest_of(as_bytes(kWasm)), kWasm.size()}});
  registry_.set("/v2/echo/blobs/" + digest_of(as_bytes(kWasm)), kWasm);
  const auto inner = registry_.put_manifest("inner", wasm);
  const auto entry = [](const std::string& digest, std::size_t size, const char* platform) {
    return fmt::format(R"({{"mediaType":"{}","digest":"{}","size":{},"platform":{}}})",
                       artifact::kOciManifest, digest, size, platform);
  };
  const auto other = digest_of(as_bytes("other"));
  const auto index = registry_.put_manifest(
      "1", fmt::format(R"({{"schemaVersion":2,"manifests":[{},{}]}})",
                       entry(other, 5, R"({"os":"linux","architecture":"s390x"})"),
                       entry(inner, wasm.size(), R"({"os":"wasip1","architecture":"wasm"})")));
  const auto pulled = pull_as(":1");
  ASSERT_TRUE(pulled) << pulled.error().detail;
  EXPECT_EQ(as_text(pulled->bytes), kWasm);
  EXPECT_EQ(pulled->top.digest, index);
  EXPECT_EQ(pulled->blobs().size(), 3u);

  registry_.put_manifest(
      "1", fmt::format(R"({{"manifests":[{}]}})", entry(inner, wasm.size() - 1, "{}")));
  EXPECT_NE(refused(":1").detail.find("more than"), std::string::npos);
  registry_.put_manifest("2", fmt::format(R"({{"manifests":[{}]}})", entry(index, 4096, "{}")));
  EXPECT_NE(refused(":2").detail.find("index of indexes"), std::string::npos);
}

TEST_F(PullTest, RefusesAManifestThatIsNotTheOneAskedFor) {
  const auto digest = registry_.put("1", kWasm);
  registry_.set("/v2/echo/manifests/" + digest,
                manifest_of({{layer_type(), digest_of(as_bytes("x")), 1}}));
  EXPECT_EQ(refused("@" + digest).code, Errc::corrupt);
  registry_.set_headers({"Docker-Content-Digest: sha256:" + std::string(64, '0')});
  const auto error = refused(":1");
  EXPECT_EQ(error.code, Errc::corrupt);
  EXPECT_NE(error.detail.find(digest), std::string::npos);
}

TEST_F(PullTest, RefusesABlobThatIsNotTheOneAskedFor) {
  registry_.put("1", kWasm);
  const auto path = "/v2/echo/blobs/" + digest_of(as_bytes(kWasm));
  registry_.set(path, "\1asm\1\1\1\1");
  EXPECT_NE(refused(":1").detail.find("other bytes"), std::string::npos);
  registry_.set(path, kWasm + "and more");
  EXPECT_NE(refused(":1").detail.find("more than the 8 bytes"), std::string::npos);
  registry_.set(path, kWasm.substr(0, 4));
  EXPECT_NE(refused(":1").detail.find("sent 4 bytes"), std::string::npos);
  EXPECT_EQ(refused(":1").code, Errc::corrupt);
}

TEST_F(PullTest, RefusesWhatIsTooLargeBeforeFetchingIt) {
  registry_.put_manifest("1", manifest_of({{layer_type(), digest_of(as_bytes(kWasm)), SIZE_MAX}}));
  EXPECT_EQ(refused(":1").code, Errc::exhausted);
  EXPECT_EQ(registry_.asked_for("/blobs/"), 0u);
  registry_.put_manifest("2", std::string(artifact::kManifestBytesMax + 1, ' '));
  EXPECT_NE(refused(":2").detail.find("as the manifest"), std::string::npos);
}

TEST_F(PullTest, SaysWhatIsMissingAndWhatIsNoManifest) {
  EXPECT_EQ(refused(":1").code, Errc::not_found);
  registry_.set("/v2/echo/manifests/1", "hello");
  EXPECT_NE(refused(":1").detail.find("cannot be used"), std::string::npos);
  registry_.put_manifest("2", manifest_of({{layer_type(), digest_of(as_bytes("gone")), 4}}));
  const auto error = refused(":2");
  EXPECT_EQ(error.code, Errc::not_found);
  EXPECT_NE(error.detail.find(digest_of(as_bytes("gone"))), std::string::npos);
}

}  // namespace
}  // namespace trellis::registry
