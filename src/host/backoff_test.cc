#include "host/backoff.h"

#include <gtest/gtest.h>

#include "base/limits.h"

namespace trellis::host {
namespace {

using namespace std::chrono_literals;

// How many tries that fail at once are made until `until`, the one at the beginning included.
int tries(std::chrono::milliseconds until, double chance) {
  Backoff backoff(limits::kProviderRestartMin, limits::kProviderRestartMax);
  int count = 0;
  for (std::chrono::milliseconds at{0}; at < until; at += backoff.next(chance)) ++count;
  return count;
}

TEST(Backoff, StartsAProviderThatAlwaysFailsSeldom) {
  for (const double chance : {0.0, 0.5, 1.0}) {
    EXPECT_LE(tries(60s, chance), 8) << chance;
    EXPECT_GE(tries(60s, chance), 6) << chance;
    EXPECT_LE(tries(660s, chance) - tries(60s, chance), 20) << chance << ": two a minute";
  }
}

TEST(Backoff, BeginsAgainAfterAReset) {
  Backoff backoff(100ms, 30s);
  EXPECT_EQ(backoff.next(0), 100ms);
  EXPECT_EQ(backoff.next(0), 300ms);
  EXPECT_EQ(backoff.next(1), 1125ms);
  backoff.reset();
  EXPECT_EQ(backoff.next(0), 100ms);
}

TEST(Backoff, StaysAtTheLongest) {
  Backoff backoff(100ms, 500ms);
  for (int i = 0; i < 5; ++i) (void)backoff.next(0);
  EXPECT_EQ(backoff.next(0), 500ms);
}

}  // namespace
}  // namespace trellis::host
