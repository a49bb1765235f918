// What a pool counts of its guests: it must be true after each of the ways in which they go.
#include "engine/guest_cells.h"

#include <gtest/gtest.h>

#include "engine/engine_fixture.h"
#include "engine/test_guest.h"

namespace trellis::engine {
namespace {

using namespace std::chrono_literals;
using runtime::Task;

class GuestCellsTest : public EngineFixture {};

TEST_F(GuestCellsTest, CountInstancesWhileTheyLive) {
  start_engine({});
  const auto cells = std::make_shared<GuestCells>();
  const auto module = loaded(test_guest());
  const auto use = [&](InstancePool& pool) -> Task<void> {
    CO_TRY_OK(co_await call_text(pool, "echo", "x", soon()));
    EXPECT_EQ(cells->made, pool.instances_made());
    EXPECT_GE(cells->living, cells->ready);
    EXPECT_GE(cells->memory_bytes, 65'536u);
    EXPECT_GT(cells->run_ns, 0u);
    co_return Result<void>();
  };
  EXPECT_TRUE(with_pool<void>(module, {.mode = InstanceMode::reuse, .cells = cells}, use));
  EXPECT_EQ(cells->living, 0u);
  EXPECT_EQ(cells->ready, 0u);
  EXPECT_EQ(cells->memory_bytes, 0u);
  EXPECT_EQ(cells->made, 1u);
}

TEST_F(GuestCellsTest, CountAKeptInstanceAsReadyBetweenCalls) {
  start_engine({});
  const auto cells = std::make_shared<GuestCells>();
  const auto use = [&](InstancePool& pool) -> Task<void> {
    EXPECT_EQ(cells->ready, 0u);
    for (int i = 0; i < 3; ++i) CO_TRY_OK(co_await call_text(pool, "echo", "x", soon()));
    EXPECT_EQ(cells->ready, 1u);
    EXPECT_EQ(cells->living, 1u);
    EXPECT_EQ(cells->made, 1u);
    co_return Result<void>();
  };
  EXPECT_TRUE(
      with_pool<void>(loaded(test_guest()), {.mode = InstanceMode::reuse, .cells = cells}, use));
}

// A live update: the next pool counts on while the one before it still has instances.
TEST_F(GuestCellsTest, AreSharedByAPoolAndItsSuccessor) {
  start_engine({});
  const auto cells = std::make_shared<GuestCells>();
  const auto module = loaded(test_guest());
  const auto use = [&](InstancePool& pool) -> Task<void> {
    CO_TRY_OK(co_await call_text(pool, "echo", "x", soon()));
    {
      const auto next =
          engine_->make_pool(module, host_, {.mode = InstanceMode::reuse, .cells = cells});
      CO_TRY_OK(co_await call_text(*next, "echo", "x", soon()));
      EXPECT_EQ(cells->ready, 2u);
      EXPECT_EQ(cells->made, 2u);
    }
    EXPECT_EQ(cells->ready, 1u);
    EXPECT_EQ(cells->living, 1u);
    co_return Result<void>();
  };
  EXPECT_TRUE(with_pool<void>(module, {.mode = InstanceMode::reuse, .cells = cells}, use));
}

TEST_F(GuestCellsTest, EngineTellsWhereCodeCameFrom) {
  start_engine({});
  const auto first = loaded(test_guest());
  const auto again = loaded(test_guest());
  const auto numbers = engine_->numbers();
  EXPECT_EQ(numbers.compiled, 1u);
  EXPECT_EQ(numbers.shared, 1u);
  EXPECT_EQ(numbers.cached, 0u);
  EXPECT_GT(numbers.compiling.count(), 0);
  EXPECT_GT(numbers.memory_bytes_max, numbers.memory_bytes_used);
}

}  // namespace
}  // namespace trellis::engine
