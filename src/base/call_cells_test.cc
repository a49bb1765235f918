#include "base/call_cells.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace trellis {
namespace {

using namespace std::chrono_literals;

const CallCells::Operation* find(const CallCells& cells, std::string_view name) {
  const auto found = std::ranges::find(cells.operations(), name, &CallCells::Operation::name);
  return found == cells.operations().end() ? nullptr : &*found;
}

std::uint64_t count(const CallCells& cells, std::string_view name, Outcome outcome) {
  const auto* found = find(cells, name);
  return found == nullptr ? 0 : found->outcomes[outcome.index()];
}

TEST(Outcome, TellsAnActorsOwnErrorFromABadRequest) {
  EXPECT_EQ(Outcome::of(Error{Errc::invalid, "guest.error", "no"}).name(), "actor_error");
  EXPECT_EQ(Outcome::of(Error{Errc::invalid, "router.target", "no"}).name(), "invalid");
  EXPECT_EQ(Outcome::ok().name(), "ok");
}

TEST(Outcome, HasANameOfItsOwnForEach) {
  std::vector<std::string_view> names;
  for (std::size_t i = 0; i < Outcome::kCount; ++i) names.push_back(Outcome::at(i).name());
  std::ranges::sort(names);
  EXPECT_EQ(std::ranges::adjacent_find(names), names.end());
}

TEST(CallCells, CountsByOperationAndOutcome) {
  CallCells cells;
  cells.add("Get", Outcome::ok(), 1ms);
  cells.add("Set", Outcome::of(Errc::timeout), 2s);
  cells.add("Get", Outcome::ok(), 2ms);
  EXPECT_EQ(count(cells, "Get", Outcome::ok()), 2u);
  EXPECT_EQ(count(cells, "Get", Outcome::of(Errc::timeout)), 0u);
  EXPECT_EQ(count(cells, "Set", Outcome::of(Errc::timeout)), 1u);
  EXPECT_EQ(find(cells, "Get")->durations.sum_ns(), 3'000'000u);
}

TEST(CallCells, CountsWhatIsBeyondTheirNumberTogether) {
  CallCells cells;
  for (std::size_t i = 0; i < CallCells::kOperationsMax + 5; ++i)
    cells.add("Op" + std::to_string(i), Outcome::ok(), 0ms);
  cells.add("Op0", Outcome::ok(), 0ms);
  EXPECT_EQ(cells.operations().size(), CallCells::kOperationsMax + 1);
  EXPECT_EQ(count(cells, CallCells::kOther, Outcome::ok()), 5u);
  EXPECT_EQ(count(cells, "Op0", Outcome::ok()), 2u);
}

TEST(CallCells, TakesNoLongTextForAName) {
  CallCells cells;
  cells.add(std::string(CallCells::kNameBytesMax + 1, 'x'), Outcome::ok(), 0ms);
  cells.add("Get", Outcome::ok(), 0ms);
  cells.add("other", Outcome::ok(), 0ms);
  ASSERT_EQ(cells.operations().size(), 2u);
  EXPECT_EQ(count(cells, "Get", Outcome::ok()), 1u);
  EXPECT_EQ(count(cells, CallCells::kOther, Outcome::ok()), 2u);
}

// Each core tells the first operations it saw apart, and so does the sum: those it has shown stay.
TEST(CallCells, ASumKeepsItsNamesWhateverCoresLearnLater) {
  CallCells first, second, sum;
  for (std::size_t i = 0; i < CallCells::kOperationsMax; ++i)
    second.add("B" + std::to_string(i), Outcome::ok(), 0ms);
  sum += first;
  sum += second;
  first.add("A", Outcome::ok(), 0ms);
  sum.clear();
  sum += first;
  sum += second;
  EXPECT_EQ(count(sum, "B31", Outcome::ok()), 1u);
  EXPECT_EQ(find(sum, "A"), nullptr);
  EXPECT_EQ(count(sum, CallCells::kOther, Outcome::ok()), 1u);
}

TEST(CallCells, AddUpOverCores) {
  CallCells one, other;
  one.add("Get", Outcome::ok(), 1ms);
  other.add("Set", Outcome::ok(), 1ms);
  other.add("Get", Outcome::of(Errc::trapped), 1ms);
  one += other;
  EXPECT_EQ(count(one, "Get", Outcome::ok()), 1u);
  EXPECT_EQ(count(one, "Get", Outcome::of(Errc::trapped)), 1u);
  EXPECT_EQ(count(one, "Set", Outcome::ok()), 1u);
}

}  // namespace
}  // namespace trellis
