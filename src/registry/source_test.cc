// Goal: what was pulled once can be started again when the registry cannot be asked, a tag that
// moves is taken as it is now, and nothing damaged ever comes out of the cache. Method: a fake
// registry that goes down, and a cache that is damaged file by file.
#include "registry/source.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>
#include <filesystem>
#include <fstream>

#include "artifact/file_io.h"
#include "registry/fake_registry.h"

namespace trellis::registry {
namespace {

namespace fs = std::filesystem;
using artifact::digest_of;

class SourceTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "/source.XXXXXX";
    dir_ = ::mkdtemp(pattern.data());
    settings_.allow_plain_http(registry_.server().host());
  }
  void TearDown() override { fs::remove_all(dir_); }

  RegistrySource source(const std::string& cache = "cache") const {
    return RegistrySource({.settings = settings_,
                           .credentials = nullptr,
                           .cache_dir = cache.empty() ? "" : dir_ + "/" + cache});
  }
  Result<artifact::Artifact> fetch(const std::string& rest) const {
    return source().fetch(*artifact::parse_reference(registry_.reference(rest)));
  }
  std::string fetched(const std::string& rest) const {
    const auto artifact = fetch(rest);
    return artifact ? std::string(as_text(artifact->bytes)) : artifact.error().describe();
  }
  std::string blob(const std::string& digest) const {
    return dir_ + "/cache/blobs/sha256/" + digest.substr(7);
  }

  FakeRegistry registry_;
  Settings settings_;
  std::string dir_;
};

TEST_F(SourceTest, APinnedReferenceAsksNobodyTheSecondTime) {
  const auto digest = registry_.put("1", "one");
  EXPECT_EQ(fetched("@" + digest), "one");
  registry_.set_down(true);
  const auto asked = registry_.server().asked().size();
  EXPECT_EQ(fetched("@" + digest), "one");
  EXPECT_EQ(fetched(":1@" + digest), "one");
  EXPECT_EQ(registry_.server().asked().size(), asked);
}

TEST_F(SourceTest, ATagIsAskedForButItsBlobsAreNotFetchedAgain) {
  const auto digest = registry_.put("1", "one");
  EXPECT_EQ(fetched(":1"), "one");
  EXPECT_EQ(fetched(":1"), "one");
  EXPECT_EQ(fetch(":1")->digest, digest);
  EXPECT_EQ(registry_.asked_for("/manifests/1"), 3u);
  EXPECT_EQ(registry_.asked_for("/blobs/"), 1u);
}

TEST_F(SourceTest, ATagThatMovedIsTakenAsItIsNow) {
  registry_.put("1", "one");
  EXPECT_EQ(fetched(":1"), "one");
  registry_.put("1", "two");
  testing::internal::CaptureStderr();
  EXPECT_EQ(fetched(":1"), "two");
  const auto said = testing::internal::GetCapturedStderr();
  EXPECT_NE(said.find(":1 has moved"), std::string::npos) << said;
  testing::internal::CaptureStderr();
  EXPECT_EQ(fetched(":1"), "two");
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

TEST_F(SourceTest, ATagIsWhatItWasWhenTheRegistryIsDown) {
  registry_.put("1", "one");
  EXPECT_EQ(fetched(":1"), "one");
  registry_.set_down(true);
  testing::internal::CaptureStderr();
  EXPECT_EQ(fetched(":1"), "one");
  EXPECT_NE(testing::internal::GetCapturedStderr().find("as it was last pulled"),
            std::string::npos);
  EXPECT_EQ(fetch(":2").error().code, Errc::unavailable);  // never seen
}

TEST_F(SourceTest, LatestIsNeverOld) {
  registry_.put("latest", "one");
  EXPECT_EQ(fetched(":latest"), "one");
  EXPECT_EQ(fetched(""), "one");
  registry_.set_down(true);
  EXPECT_EQ(fetch(":latest").error().code, Errc::unavailable);
  EXPECT_EQ(fetch("").error().code, Errc::unavailable);
}

TEST_F(SourceTest, ARegistryThatSaysNoIsBelieved) {
  registry_.put("1", "one");
  EXPECT_EQ(fetched(":1"), "one");
  registry_.set("/v2/echo/manifests/1", "not a manifest any more");
  EXPECT_EQ(fetch(":1").error().code, Errc::corrupt);
}

TEST_F(SourceTest, APinStaysWhenItsTagMovesOn) {
  const auto one = registry_.put("1", "one");
  EXPECT_EQ(fetched(":1@" + one), "one");
  registry_.put("1", "two");
  EXPECT_EQ(fetched(":1"), "two");
  registry_.set_down(true);
  EXPECT_EQ(fetched(":1@" + one), "one");
  EXPECT_EQ(fetched(":1"), "two");
}

TEST_F(SourceTest, DamagedCopiesAreFetchedAgain) {
  const auto digest = registry_.put("1", "one");
  EXPECT_EQ(fetched(":1"), "one");
  const auto layer = blob(digest_of(as_bytes("one")));
  for (const auto& path :
       {layer, blob(digest), dir_ + "/cache/index.json", dir_ + "/cache/oci-layout"}) {
    for (const std::string damage : {"onf", "", "{}", "\x80"}) {
      ASSERT_TRUE(artifact::write_file(path, as_bytes(damage)));
      EXPECT_EQ(fetched(":1"), "one") << path << " is '" << damage << "'";
      EXPECT_EQ(fetched("@" + digest), "one") << path << " is '" << damage << "'";
    }
    fs::remove(path);
    EXPECT_EQ(fetched(":1"), "one") << path << " is gone";
    EXPECT_TRUE(fs::exists(path)) << path << " is not back";
  }
  fs::remove_all(dir_ + "/cache");
  EXPECT_EQ(fetched(":1"), "one");
}

TEST_F(SourceTest, ADamagedCopyIsNotUsedWhenTheRegistryIsDown) {
  const auto digest = registry_.put("1", "one");
  EXPECT_EQ(fetched("@" + digest), "one");
  ASSERT_TRUE(artifact::write_file(blob(digest_of(as_bytes("one"))), as_bytes("onf")));
  registry_.set_down(true);
  EXPECT_EQ(fetch("@" + digest).error().code, Errc::unavailable);
  registry_.set_down(false);
  EXPECT_EQ(fetched("@" + digest), "one");
}

TEST_F(SourceTest, ADiskThatIsFullCostsTheCopyAndNotThePull) {
  const std::string large(1 << 20, 'x');
  registry_.put("1", large);
  registry_.put("2", "small");
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  auto* const handler = std::signal(SIGXFSZ, SIG_IGN);
  rlimit full = before;
  full.rlim_cur = 64 << 10;
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &full), 0);
  EXPECT_EQ(fetched(":1"), large);
  EXPECT_EQ(fetched(":2"), "small");
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  std::signal(SIGXFSZ, handler);
  for (const auto& file : fs::recursive_directory_iterator(dir_ + "/cache")) {
    EXPECT_EQ(file.path().string().find(".tmp"), std::string::npos) << "left: " << file.path();
  }
  EXPECT_EQ(fetched(":1"), large);  // and kept, now that there is space
  registry_.set_down(true);
  EXPECT_EQ(fetched(":1"), large);
}

TEST_F(SourceTest, NeedsNoCache) {
  registry_.put("1", "one");
  const auto reference = *artifact::parse_reference(registry_.reference(":1"));
  EXPECT_TRUE(source("").fetch(reference));
  EXPECT_TRUE(
      RegistrySource({.settings = settings_, .credentials = nullptr, .cache_dir = "/proc/nowhere"})
          .fetch(reference));
}

TEST_F(SourceTest, MirrorsAreAskedFirstAndTheRegistryWhenTheyCannotHelp) {
  FakeRegistry mirror;
  auto settings = *Settings::parse(
      fmt::format("[registry.\"{}\"]\nplain_http=true\nmirrors=[\"{}\"]\n[registry.\"{}\"]\nplain_"
                  "http=true\n",
                  registry_.server().host(), mirror.server().host(), mirror.server().host()),
      "");
  const RegistrySource source({.settings = settings, .credentials = nullptr});
  const auto reference = *artifact::parse_reference(registry_.reference(":1"));
  const auto missing = source.fetch(reference);
  ASSERT_FALSE(missing);
  EXPECT_NE(missing.error().detail.find(mirror.server().host()), std::string::npos);
  registry_.put("1", "original");
  EXPECT_EQ(as_text(source.fetch(reference)->bytes), "original");
  mirror.put("1", "mirrored");
  EXPECT_EQ(as_text(source.fetch(reference)->bytes), "mirrored");
  mirror.set("/v2/echo/blobs/" + digest_of(as_bytes("mirrored")), "a lie..");
  EXPECT_EQ(as_text(source.fetch(reference)->bytes), "original");
}

TEST_F(SourceTest, OldCopiesGoWhenThereAreTooMany) {
  const Cache cache(dir_ + "/small", 3'000);
  const auto store = [&](const std::string& tag) {
    const std::string layer(900, tag[0]);
    artifact::Manifest manifest;
    manifest.layers.push_back(
        {std::string(artifact::kActorLayer), digest_of(as_bytes(layer)), layer.size()});
    manifest.config = {"c", digest_of(as_bytes("{}")), 2};
    const auto text = artifact::write_manifest(manifest);
    const artifact::Layout::Blob blobs[] = {{digest_of(as_bytes(text)), as_bytes(text)},
                                            {digest_of(as_bytes(layer)), as_bytes(layer)}};
    cache.store(*artifact::parse_reference("reg.io/a:" + tag),
                {{}, std::string(artifact::kOciManifest), blobs[0].digest, text.size()}, blobs);
    return *artifact::parse_reference("reg.io/a:" + tag);
  };
  const auto a = store("a");
  const auto b = store("b");
  fs::last_write_time(dir_ + "/small/blobs/sha256/" + cache.find(a)->digest.substr(7),
                      fs::file_time_type::clock::now() - std::chrono::hours(2));
  fs::last_write_time(dir_ + "/small/blobs/sha256/" + cache.find(b)->digest.substr(7),
                      fs::file_time_type::clock::now() - std::chrono::hours(1));
  ASSERT_TRUE(cache.read(*cache.find(a)));  // now b is the one used longest ago
  const auto c = store("c");
  EXPECT_TRUE(cache.find(a));
  EXPECT_FALSE(cache.find(b));
  EXPECT_TRUE(cache.find(c) && cache.read(*cache.find(c)));
}

TEST_F(SourceTest, AReferenceWithoutARegistryAsksNone) {
  const auto nowhere = source().fetch(*artifact::parse_reference("echo:1"));
  ASSERT_FALSE(nowhere);
  EXPECT_EQ(nowhere.error().code, Errc::not_found);
}

}  // namespace
}  // namespace trellis::registry
