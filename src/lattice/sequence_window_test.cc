#include "lattice/sequence_window.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <random>
#include <set>
#include <vector>

namespace trellis::lattice {
namespace {

TEST(SequenceWindow, TakesEachNumberOnce) {
  SequenceWindow window;
  for (std::uint64_t i = 1; i <= 200'000; ++i) {
    ASSERT_TRUE(window.take(i)) << i;
    ASSERT_FALSE(window.take(i)) << i;
  }
  EXPECT_FALSE(window.take(0));
}

TEST(SequenceWindow, TakesNumbersThatOvertookEachOther) {
  SequenceWindow window;
  std::vector<std::uint64_t> numbers(50'000);
  std::iota(numbers.begin(), numbers.end(), 1);
  std::ranges::shuffle(numbers, std::minstd_rand(7));
  for (const auto number : numbers) EXPECT_TRUE(window.take(number));
  for (const auto number : numbers) EXPECT_FALSE(window.take(number));
}

TEST(SequenceWindow, RefusesWhatIsTooFarBehind) {
  SequenceWindow window;
  EXPECT_TRUE(window.take(SequenceWindow::kNumbers + 10));
  EXPECT_FALSE(window.take(10));
  EXPECT_TRUE(window.take(11));
  EXPECT_TRUE(window.take(~std::uint64_t{0} - SequenceWindow::kNumbers));
  EXPECT_FALSE(window.take(12));
}

// Against a set that forgets nothing.
TEST(SequenceWindow, AgreesWithASetOverJumpsOfAnySize) {
  SequenceWindow window;
  std::set<std::uint64_t> seen;
  std::minstd_rand random(1);
  std::uint64_t highest = 1'000'000;
  for (int i = 0; i < 20'000; ++i) {
    const auto jump = std::uint64_t{random()} % (std::uint64_t{1} << random() % 18);
    const auto number = random() % 2 ? highest + jump : highest - std::min(highest - 1, jump);
    const bool known = seen.contains(number) || number + SequenceWindow::kNumbers <= highest;
    if (!seen.empty())
      EXPECT_EQ(window.take(number), !known) << number;
    else
      EXPECT_TRUE(window.take(number));
    seen.insert(number);
    highest = std::max(highest, number);
    if (i == 0) highest = number;
  }
}

}  // namespace
}  // namespace trellis::lattice
