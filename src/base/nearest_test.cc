#include "base/nearest.h"

#include <gtest/gtest.h>

namespace trellis {
namespace {

TEST(Nearest, CountsASwapAsOne) {
  EXPECT_EQ(edit_distance("strat", "start"), 1u);
  EXPECT_EQ(edit_distance("", "abc"), 3u);
  EXPECT_EQ(edit_distance("link", "link"), 0u);
}

TEST(Nearest, FindsTheNearestAndNothingFar) {
  EXPECT_EQ(nearest("strat", {"stop", "start", "scale"}), "start");
  EXPECT_EQ(nearest("clt", {"call", "ctl", "ctx"}), "ctl");
  EXPECT_EQ(nearest("frobnicate", {"stop", "start"}), "");
  EXPECT_EQ(nearest("", {"stop"}), "");
  EXPECT_EQ(nearest(std::string(100'000, 'a'), {"stop"}), "");
}

TEST(Nearest, TakesABeginningThatFitsOnlyOne) {
  EXPECT_EQ(nearest("inv", {"hosts", "inventory", "claims"}), "inventory");
  EXPECT_EQ(nearest("timeout", {"address", "timeout_ms"}), "timeout_ms");
  EXPECT_EQ(nearest("long_begin", {"long_beginning_a", "long_beginning_b"}), "");
  EXPECT_EQ(nearest("i", {"inventory"}), "");
}

}  // namespace
}  // namespace trellis
