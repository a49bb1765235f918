// Goal: every form of a Redis URL means what redis clients mean by it, and a wrong one is refused
// without its password.
#include "keyvalue/redis_url.h"

#include <gtest/gtest.h>

namespace trellis::keyvalue {
namespace {

RedisUrl parsed(std::string_view text) {
  auto url = parse_redis_url(text);
  EXPECT_TRUE(url) << text << ": " << url.error().detail;
  return url ? *url : RedisUrl{};
}

TEST(RedisUrl, TakesTheDefaultsOf2022) {
  const auto url = parsed("redis://0.0.0.0:6379/");
  EXPECT_EQ(url.host, "0.0.0.0");
  EXPECT_EQ(url.port, 6379);
  EXPECT_EQ(url.database, 0u);
  EXPECT_FALSE(url.tls);
  EXPECT_EQ(parsed("redis://localhost").port, 6379);
}

TEST(RedisUrl, ReadsEachPart) {
  const auto url = parsed("rediss://me:p%40ss@redis.example.com:6380/3");
  EXPECT_TRUE(url.tls);
  EXPECT_EQ(url.user, "me");
  EXPECT_EQ(url.password, "p@ss");
  EXPECT_EQ(url.host, "redis.example.com");
  EXPECT_EQ(url.port, 6380);
  EXPECT_EQ(url.database, 3u);
  EXPECT_EQ(url.shown(), "redis.example.com:6380");
  EXPECT_EQ(parsed("redis://:secret@h").password, "secret");
  EXPECT_EQ(parsed("redis://:secret@h").user, "");
}

TEST(RedisUrl, ReadsAddressesAndSockets) {
  EXPECT_EQ(parsed("redis://[::1]:7000").host, "::1");
  EXPECT_EQ(parsed("redis://[::1]:7000").shown(), "[::1]:7000");
  const auto socket = parsed("unix:///run/redis.sock?db=2&pass=x");
  EXPECT_EQ(socket.unix_path, "/run/redis.sock");
  EXPECT_EQ(socket.database, 2u);
  EXPECT_EQ(socket.password, "x");
  EXPECT_EQ(parsed("redis+unix:///run/redis.sock").shown(), "/run/redis.sock");
}

TEST(RedisUrl, SaysWhatIsWrongWithoutThePassword) {
  for (const char* text :
       {"", "localhost:6379", "http://localhost", "redis://", "redis://:secret@h/x",
        "redis://:secret@h:99999", "redis://:secret@h:0", "redis://:secret@h?db=1", "unix://",
        "unix:///s?password=secret", "redis://:sec ret@h", "redis://:secret@h/-1"}) {
    const auto url = parse_redis_url(text);
    ASSERT_FALSE(url) << text;
    EXPECT_NE(url.error().detail.find("expected redis://"), std::string::npos);
    EXPECT_EQ(url.error().detail.find("secret"), std::string::npos) << url.error().detail;
  }
}

}  // namespace
}  // namespace trellis::keyvalue
