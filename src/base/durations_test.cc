#include "base/durations.h"

#include <gtest/gtest.h>

#include <numeric>

namespace trellis {
namespace {

using namespace std::chrono_literals;

TEST(Durations, CountsABoundBelowItself) {
  Durations durations;
  durations.add(50us);
  durations.add(50'001ns);
  durations.add(10s);
  durations.add(11s);
  EXPECT_EQ(durations.counts()[0], 1u);
  EXPECT_EQ(durations.counts()[1], 1u);
  EXPECT_EQ(durations.counts()[Durations::kBounds.size() - 1], 1u);
  EXPECT_EQ(durations.counts()[Durations::kBounds.size()], 1u);
  EXPECT_EQ(durations.sum_ns(), 21'000'100'001u);
}

TEST(Durations, CountsAClockThatWentBackAsNoTime) {
  Durations durations;
  durations.add(-5ms);
  EXPECT_EQ(durations.counts()[0], 1u);
  EXPECT_EQ(durations.sum_ns(), 0u);
}

TEST(Durations, HasBoundsThatRise) {
  for (std::size_t i = 1; i < Durations::kBounds.size(); ++i)
    EXPECT_LT(Durations::kBounds[i - 1], Durations::kBounds[i]);
}

TEST(Durations, AddsUp) {
  Durations one, other;
  one.add(1ms);
  other.add(1ms);
  other.add(3s);
  one += other;
  EXPECT_EQ(std::accumulate(one.counts().begin(), one.counts().end(), 0u), 3u);
  EXPECT_EQ(one.counts()[4], 2u);
  EXPECT_EQ(one.sum_ns(), 3'002'000'000u);
}

}  // namespace
}  // namespace trellis
