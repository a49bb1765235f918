#include "host/process_numbers.h"

#include <gtest/gtest.h>

namespace trellis::host {
namespace {

TEST(ProcessNumbers, ReadsFieldsBehindANameThatHoldsAnything) {
  const auto stat = parse_stat(
      "4711 (a) b (c) S 1 2 3 0 -1 4194560 10 0 0 0 120 30 0 0 20 0 9 0 5000 1048576 256 "
      "18446744073709551615 1 1 0\n");
  ASSERT_TRUE(stat);
  EXPECT_EQ(stat->user_ticks, 120u);
  EXPECT_EQ(stat->system_ticks, 30u);
  EXPECT_EQ(stat->threads, 9u);
  EXPECT_EQ(stat->start_ticks, 5000u);
  EXPECT_EQ(stat->virtual_bytes, 1'048'576u);
  EXPECT_EQ(stat->resident_pages, 256u);
}

TEST(ProcessNumbers, RefusesWhatIsTooShort) {
  EXPECT_FALSE(parse_stat(""));
  EXPECT_FALSE(parse_stat("4711 (a) S 1 2 3"));
}

TEST(ProcessNumbers, KnowsThisProcess) {
  const auto numbers = read_process_numbers();
  EXPECT_GT(numbers.resident_bytes, 100'000u);
  EXPECT_GE(numbers.threads, 1u);
  EXPECT_GE(numbers.files_open, 1u);
  EXPECT_GE(numbers.files_max, numbers.files_open);
  EXPECT_GT(numbers.started_at, 1e9);
}

}  // namespace
}  // namespace trellis::host
