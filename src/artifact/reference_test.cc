// Goal: a reference is taken apart exactly, and a wrong one is refused with the part that is wrong.
#include "artifact/reference.h"

#include <gtest/gtest.h>

#include <string>

namespace trellis::artifact {
namespace {

const std::string kDigest = "sha256:" + std::string(64, 'a');

TEST(Reference, TakesRegistryRepositoryAndTagApart) {
  const auto r = parse_reference("wasmcloud.azurecr.io/echo:0.3.4");
  ASSERT_TRUE(r);
  EXPECT_EQ(r->registry, "wasmcloud.azurecr.io");
  EXPECT_EQ(r->repository, "echo");
  EXPECT_EQ(r->tag, "0.3.4");
  EXPECT_EQ(r->tagged(), "wasmcloud.azurecr.io/echo:0.3.4");
  EXPECT_FALSE(r->is_latest());
}

TEST(Reference, KeepsPortOfRegistryApartFromTag) {
  const auto r = parse_reference("localhost:5000/v2/kv-counter");
  ASSERT_TRUE(r);
  EXPECT_EQ(r->registry, "localhost:5000");
  EXPECT_EQ(r->repository, "v2/kv-counter");
  EXPECT_EQ(r->tag, "");
}

TEST(Reference, ReadsDigestPinWithAndWithoutTag) {
  const auto both = parse_reference("example.com/a/b:1@" + kDigest);
  ASSERT_TRUE(both);
  EXPECT_EQ(both->tag, "1");
  EXPECT_EQ(both->digest, kDigest);
  EXPECT_EQ(both->tagged(), "example.com/a/b:1");
  const auto alone = parse_reference("example.com/a/b@" + kDigest);
  ASSERT_TRUE(alone);
  EXPECT_FALSE(alone->is_latest());
}

TEST(Reference, CountsNoTagAsLatest) {
  EXPECT_TRUE(parse_reference("example.com/a")->is_latest());
  EXPECT_TRUE(parse_reference("example.com/a:latest")->is_latest());
  EXPECT_FALSE(parse_reference("example.com/a:latest-1")->is_latest());
}

TEST(Reference, DropsOciScheme) {
  EXPECT_EQ(parse_reference("oci://example.com/a:1")->text, "example.com/a:1");
}

TEST(Reference, ReadsFileWithAbsolutePathAndPercentEscapes) {
  const auto r = parse_reference("file:///tmp/my%20actor_s.wasm");
  ASSERT_TRUE(r);
  EXPECT_EQ(r->kind, Reference::Kind::file);
  EXPECT_EQ(r->path, "/tmp/my actor_s.wasm");
}

TEST(Reference, OfAFileLeadsBackToItsPath) {
  EXPECT_EQ(file_reference("/w/echo_s.wasm"), "file:///w/echo_s.wasm");
  for (const std::string path : {"/a b/100%/ü?#\\'\"$(x).wasm", "/a/b+c@d:e,f=g~h.wasm"}) {
    const auto r = parse_reference(file_reference(path));
    ASSERT_TRUE(r) << r.error().detail;
    EXPECT_EQ(r->path, path);
    EXPECT_EQ(file_reference(path).find_first_of(" '\"$#?\\("), std::string::npos);
  }
}

TEST(Reference, RefusesWhatIsNoneAndSaysWhichPartIsWrong) {
  const struct {
    std::string text;
    const char* part;
  } cases[] = {
      {"", "empty"},
      {"Example.com/Echo:1", "Echo"},
      {"example.com/echo:", "not a tag"},
      {"example.com/echo:-1", "not a tag"},
      {"example.com/echo:1@sha256:12", "64 lower-case hex"},
      {"example.com/echo@" + kDigest + "/../x", "64 lower-case hex"},
      {"example.com//echo:1", "not a name"},
      {"example.com/../echo:1", "not a name"},
      {"https://example.com/echo:1", "without a scheme"},
      {"example.com:port/echo:1", "registry's host"},
      {"file://relative.wasm", "absolute path"},
      {"/a/my actor_s.wasm", "file:///a/my%20actor_s.wasm"},
      {"./actor_s.wasm", "file:// and its absolute path"},
      {"../actor_s.wasm", "file:// and its absolute path"},
      {"file:///a%zz", "two hex digits"},
      {"file:///a%00", "two hex digits"},
      {"bindle://example.com/echo/1.0", "Bindle"},
      {std::string(5000, 'a'), "too long"},
      {std::string("a\0b", 3), "NUL"},
  };
  for (const auto& c : cases) {
    const auto r = parse_reference(c.text);
    ASSERT_FALSE(r) << c.text;
    EXPECT_EQ(r.error().code, Errc::invalid);
    EXPECT_NE(r.error().detail.find(c.part), std::string::npos) << r.error().detail;
  }
}

TEST(Reference, AcceptsOnlyFullLowerCaseSha256AsDigest) {
  EXPECT_TRUE(is_digest(kDigest));
  EXPECT_FALSE(is_digest("sha256:" + std::string(64, 'A')));
  EXPECT_FALSE(is_digest("sha512:" + std::string(64, 'a')));
  EXPECT_FALSE(is_digest("sha256:" + std::string(60, 'a') + "/../"));
  EXPECT_FALSE(is_digest(kDigest + "0"));
}

}  // namespace
}  // namespace trellis::artifact
