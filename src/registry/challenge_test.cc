// Goal: the challenges registries really send are understood, and odd ones do no harm.
#include "registry/challenge.h"

#include <gtest/gtest.h>

namespace trellis::registry {
namespace {

TEST(Challenge, ReadsABearerChallengeWithCommasInItsQuotes) {
  const auto all = parse_challenges(
      R"(Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:a/b:pull,push")");
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0].scheme, "bearer");
  EXPECT_EQ(all[0].parameter("realm"), "https://auth.docker.io/token");
  EXPECT_EQ(all[0].parameter("service"), "registry.docker.io");
  EXPECT_EQ(all[0].parameter("scope"), "repository:a/b:pull,push");
  EXPECT_EQ(all[0].parameter("error"), "");
}

TEST(Challenge, ReadsSeveralInOneHeader) {
  const auto all =
      parse_challenges(R"(Basic realm="x", BEARER Realm=https , scope = "s" , Negotiate)");
  ASSERT_EQ(all.size(), 3u);
  EXPECT_EQ(all[0].scheme, "basic");
  EXPECT_EQ(all[1].parameter("realm"), "https");
  EXPECT_EQ(all[1].parameter("scope"), "s");
  EXPECT_EQ(all[2].scheme, "negotiate");
}

TEST(Challenge, TakesBackslashesOutOfQuotes) {
  EXPECT_EQ(parse_challenges(R"(Basic realm="a \"b\" \\ c")")[0].parameter("realm"),
            R"(a "b" \ c)");
}

TEST(Challenge, StopsAtWhatItCannotRead) {
  EXPECT_TRUE(parse_challenges("").empty());
  EXPECT_TRUE(parse_challenges(" ,, ").empty());
  EXPECT_TRUE(parse_challenges("\"quoted\"").empty());
  EXPECT_EQ(parse_challenges(R"(Basic realm="never ends)")[0].parameters.size(), 0u);
  EXPECT_EQ(parse_challenges("Basic realm=")[0].scheme, "basic");
}

TEST(Challenge, StaysSmallWhateverComes) {
  std::string many;
  for (int i = 0; i < 10'000; ++i) many += "a" + std::to_string(i) + "=1,";
  const auto all = parse_challenges("Bearer " + many);
  ASSERT_LE(all.size(), 8u);
  EXPECT_LE(all[0].parameters.size(), 16u);
}

}  // namespace
}  // namespace trellis::registry
