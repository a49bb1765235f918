// Goal: of the commands to scale one actor the last that came has the last word, whichever is ready
// first; those for other actors, and those that were given up, do not count.
#include "host/scale_order.h"

#include <gtest/gtest.h>

#include <optional>

namespace trellis::host {
namespace {

TEST(ScaleOrder, TheLastThatCameHasTheLastWord) {
  ScaleOrder order;
  ScaleOrder::Command first(order, "a"), second(order, "a"), third(order, "a");
  EXPECT_TRUE(second.carry_out());
  EXPECT_FALSE(first.carry_out());
  EXPECT_TRUE(third.carry_out());
}

TEST(ScaleOrder, OthersDoNotCount) {
  ScaleOrder order;
  ScaleOrder::Command first(order, "a");
  {
    ScaleOrder::Command given_up(order, "a"), of_another(order, "b");
    EXPECT_TRUE(of_another.carry_out());
  }
  EXPECT_TRUE(first.carry_out());
}

TEST(ScaleOrder, RemembersNothingOnceAllHaveEnded) {
  ScaleOrder order;
  {
    std::optional<ScaleOrder::Command> first(std::in_place, order, "a");
    ScaleOrder::Command second(order, "a");
    EXPECT_TRUE(second.carry_out());
    first.reset();
    EXPECT_EQ(order.actors(), 1u);
  }
  EXPECT_EQ(order.actors(), 0u);
}

}  // namespace
}  // namespace trellis::host
