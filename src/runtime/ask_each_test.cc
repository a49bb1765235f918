#include "runtime/ask_each.h"

#include <gtest/gtest.h>

#include <future>

#include "runtime/per_core.h"
#include "runtime/testing.h"

namespace trellis::runtime {
namespace {

using namespace std::chrono_literals;

TEST(AskEach, GivesWhatEachCoreCounted) {
  const auto cores = test_cores(3);
  const auto cells = std::make_shared<PerCore<unsigned>>(cores->size());
  for (unsigned core = 0; core < 3; ++core) {
    std::function<Task<void>()> count = [cells, core]() -> Task<void> {
      cells->here() += 10 + core;
      return []() -> Task<void> { co_return Result<void>{}; }();
    };
    ASSERT_TRUE(cores->run_blocking<void>(core, count));
  }
  std::function<Task<std::vector<unsigned>>()> ask = [&] {
    return ask_each<unsigned>(*cores, [cells] { return cells->here(); }, Deadline::in(10s));
  };
  const auto values = cores->run_blocking<std::vector<unsigned>>(0, ask);
  ASSERT_TRUE(values);
  EXPECT_EQ(*values, (std::vector<unsigned>{10, 11, 12}));
}

TEST(AskEach, DoesNotWaitForACoreThatIsLate) {
  const auto cores = test_cores(2);
  std::promise<void> go_on;
  (*cores)[1].post([until = go_on.get_future().share()] { until.wait(); });
  std::function<Task<std::vector<int>>()> ask = [&] {
    return ask_each<int>(*cores, [] { return 1; }, Deadline::in(20ms));
  };
  const auto values = cores->run_blocking<std::vector<int>>(0, ask);
  ASSERT_FALSE(values);
  EXPECT_EQ(values.error().code, Errc::timeout);
  EXPECT_EQ(values.error().detail, "1 of 2 cores did not answer in time: they are too busy");
  go_on.set_value();  // what it was asked is answered now, to nobody
}

}  // namespace
}  // namespace trellis::runtime
