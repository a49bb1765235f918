// Goal: what all guests have together never passes the budget, and what one had is free again when
// it is gone, but for what its slot keeps.
#include "engine/memory_budget.h"

#include <gtest/gtest.h>

#include <memory>
#include <thread>
#include <vector>

namespace trellis::engine {
namespace {

constexpr std::size_t kKept = 100, kMemoryMax = 10'000;

bool take(MemoryShare& share, std::size_t bytes) { return share.take(&share, bytes); }

TEST(MemoryBudget, GivesOnlyWhatThereIs) {
  MemoryBudget budget(100);
  EXPECT_TRUE(budget.take(60));
  EXPECT_FALSE(budget.take(41));
  EXPECT_FALSE(budget.take(SIZE_MAX));
  EXPECT_TRUE(budget.take(40));
  EXPECT_EQ(budget.bytes_used(), 100u);
  budget.give_back(60);
  EXPECT_TRUE(budget.take(60));
}

TEST(MemoryBudget, KeepsWhatIsForStartsFromGrowth) {
  MemoryBudget budget(1000, 200);
  SlotUse slots;
  MemoryShare greedy(budget, slots, kKept, kMemoryMax);
  greedy.begin_call();
  EXPECT_TRUE(take(greedy, 800));
  EXPECT_FALSE(take(greedy, 1));
  MemoryShare other(budget, slots, kKept, kMemoryMax);
  EXPECT_TRUE(take(other, 150)) << "it starts all the same";
  other.begin_call();
  EXPECT_FALSE(take(other, 1));
}

TEST(MemoryBudget, WithoutABoundGivesAll) {
  MemoryBudget budget(SIZE_MAX);
  EXPECT_TRUE(budget.take(std::size_t{1} << 40));
  EXPECT_TRUE(budget.take(std::size_t{1} << 40));
}

TEST(MemoryBudget, HoldsWhileManyThreadsAsk) {
  MemoryBudget budget(1000);
  std::atomic<std::size_t> had{0};
  std::atomic<bool> exceeded{false};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 20'000; ++i) {
        if (!budget.take(400)) continue;
        if (had.fetch_add(400) + 400 > 1000) exceeded = true;
        had.fetch_sub(400);
        budget.give_back(400);
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_FALSE(exceeded);
  EXPECT_EQ(budget.bytes_used(), 0u);
}

TEST(MemoryShare, CountsWhatItsSlotDoesNotKeep) {
  MemoryBudget budget(1000);
  SlotUse slots;
  {
    MemoryShare share(budget, slots, kKept, kMemoryMax);
    EXPECT_EQ(budget.bytes_used(), 100u);
    EXPECT_TRUE(take(share, 90));
    EXPECT_EQ(budget.bytes_used(), 100u);
    EXPECT_TRUE(take(share, 60));
    EXPECT_EQ(budget.bytes_used(), 150u);
    EXPECT_FALSE(take(share, 900));
    EXPECT_TRUE(share.refused());
    EXPECT_EQ(budget.bytes_used(), 150u);
    share.begin_call();
    EXPECT_FALSE(share.refused());
    EXPECT_TRUE(take(share, 850));
    EXPECT_EQ(budget.bytes_used(), 1000u);
  }
  EXPECT_EQ(budget.bytes_used(), 100u) << "the slot keeps its first pages";
}

TEST(MemoryShare, SlotsCountForTheMostThatLivedAtOnce) {
  MemoryBudget budget(250);
  SlotUse slots;
  for (int round = 0; round < 3; ++round) {
    MemoryShare one(budget, slots, kKept, kMemoryMax), two(budget, slots, kKept, kMemoryMax);
    EXPECT_EQ(budget.bytes_used(), 200u);
    MemoryShare three(budget, slots, kKept, kMemoryMax);
    EXPECT_TRUE(take(two, 1));
    EXPECT_FALSE(take(three, 1)) << "no slot, no memory";
    EXPECT_TRUE(three.refused());
  }
  EXPECT_EQ(budget.bytes_used(), 200u);
}

TEST(MemoryShare, SlotsOfAllThreadsCountTogether) {
  static constexpr std::size_t kThreads = 4;
  MemoryBudget budget(2 * kThreads * kKept);  // a step that two make at once is paid for twice
  SlotUse slots;
  std::atomic<std::size_t> refused{0};
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < kThreads; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 20'000; ++i) {
        MemoryShare share(budget, slots, kKept, kMemoryMax);
        if (!take(share, kKept)) ++refused;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(refused, 0u);
  EXPECT_GE(budget.bytes_used(), kKept);
  EXPECT_LE(budget.bytes_used(), kThreads * kKept);
  EXPECT_EQ(budget.bytes_used() % kKept, 0u);
  std::vector<std::unique_ptr<MemoryShare>> all;
  for (std::size_t t = 0; t < kThreads; ++t) {
    all.push_back(std::make_unique<MemoryShare>(budget, slots, kKept, kMemoryMax));
    EXPECT_TRUE(take(*all.back(), kKept));
  }
  EXPECT_EQ(budget.bytes_used(), kThreads * kKept);
}

}  // namespace
}  // namespace trellis::engine
