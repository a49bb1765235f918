#include "runtime/parking.h"

#include <gtest/gtest.h>

#include "runtime/testing.h"

namespace trellis::runtime {
namespace {

using namespace std::chrono_literals;

Task<Wake> woken_before() {
  Parking parking(Core::current());
  EXPECT_TRUE(parking.wake());
  EXPECT_FALSE(parking.wake());
  co_return co_await parking.wait(Deadline::in(1h));
}

TEST(Parking, AWakeUpBeforeTheWaitCounts) {
  auto cores = test_cores();
  EXPECT_EQ(*cores->run_blocking<Wake>(0, woken_before), Wake::woken);
}

Task<Wake> woken_late() {
  Parking parking(Core::current());
  EXPECT_EQ(co_await parking.wait(Deadline::in(1ms)), Wake::expired);
  EXPECT_FALSE(parking.wake());
  co_return co_await parking.wait(Deadline::in(1h));
}

TEST(Parking, AWakeUpTooLateForOneWaitCountsForTheNext) {
  auto cores = test_cores();
  EXPECT_EQ(*cores->run_blocking<Wake>(0, woken_late), Wake::woken);
}

Task<Wake> waits_twice() {
  Parking parking(Core::current());
  EXPECT_EQ(co_await parking.wait(Deadline::in(1ms)), Wake::expired);
  co_return co_await parking.wait(Deadline::in(1ms));
}

TEST(Parking, CanBeWaitedInAgain) {
  auto cores = test_cores();
  EXPECT_EQ(*cores->run_blocking<Wake>(0, waits_twice), Wake::expired);
}

}  // namespace
}  // namespace trellis::runtime
