// Goal: credentials go only where they belong, which is decided by comparing origins: so origins
// must come out the same whatever way they are written, and different when they are.
#include "registry/url.h"

#include <gtest/gtest.h>

namespace trellis::registry {
namespace {

TEST(Url, IsTakenApartWithItsPort) {
  const auto url = parse_url("https://Reg.Example.com/v2/a/manifests/1?x=y");
  ASSERT_TRUE(url);
  EXPECT_EQ(url->scheme, "https");
  EXPECT_EQ(url->host, "reg.example.com");
  EXPECT_EQ(url->port, "443");
  EXPECT_EQ(url->rest, "/v2/a/manifests/1?x=y");
  EXPECT_EQ(url->text(), "https://reg.example.com:443/v2/a/manifests/1?x=y");
  EXPECT_EQ(parse_url("http://a")->rest, "/");
}

TEST(Url, OriginsAreTheSameHoweverTheyAreWritten) {
  const auto base = *parse_url("https://reg.example.com/v2/");
  for (const auto* same :
       {"https://reg.example.com:443/x", "HTTPS://REG.example.com/", "/other", "more"}) {
    EXPECT_TRUE(resolve(base, same)->same_origin(base)) << same;
  }
  for (const auto* other :
       {"http://reg.example.com/", "https://reg.example.com:8443/", "//evil.example.com/v2/",
        "https://reg.example.com.evil.com/", "https://example.com/"}) {
    const auto url = resolve(base, other);
    ASSERT_TRUE(url) << other;
    EXPECT_FALSE(url->same_origin(base)) << other;
  }
}

TEST(Url, LocationsAreSeenFromWhereTheyWereGiven) {
  const auto base = *parse_url("http://localhost:5000/v2/a/blobs/uploads/");
  EXPECT_EQ(resolve(base, "/v2/a/blobs/uploads/7?_state=z")->text(),
            "http://localhost:5000/v2/a/blobs/uploads/7?_state=z");
  EXPECT_EQ(resolve(base, "8")->text(), "http://localhost:5000/v2/a/blobs/uploads/8");
}

TEST(Url, RefusesOtherSchemesAndPasswords) {
  for (const auto* text : {"", "ftp://a/b", "file:///etc/passwd", "//a/b", "https://",
                           "https://user:pw@a/", "https://user@a/", "mailto:a@b", "http://a b/"}) {
    EXPECT_FALSE(parse_url(text)) << text;
  }
  const auto base = *parse_url("https://a/");
  EXPECT_FALSE(resolve(base, "file:///etc/passwd"));
  EXPECT_FALSE(resolve(base, "https://a:b@c/"));
  EXPECT_FALSE(resolve(base, ""));
  EXPECT_FALSE(parse_url(std::string_view("https://a\0.b/", 13)));
}

TEST(Url, KnowsWhichHostIsThisMachine) {
  for (const auto* host : {"localhost", "127.0.0.1", "127.8.0.1", "[::1]"})
    EXPECT_TRUE(is_loopback(host));
  for (const auto* host : {"127.example.com", "localhost.example.com", "10.0.0.1", "128.0.0.1"}) {
    EXPECT_FALSE(is_loopback(host)) << host;
  }
}

TEST(Url, EncodesForAQuery) { EXPECT_EQ(percent_encoded("a:b/c d,~"), "a%3Ab%2Fc%20d%2C~"); }

}  // namespace
}  // namespace trellis::registry
