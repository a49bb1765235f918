#include "runtime/admission.h"

#include <gtest/gtest.h>

#include <string>

#include "runtime/testing.h"

namespace trellis::runtime {
namespace {

using namespace std::chrono_literals;

Task<void> enter_and_note(Admission* admission, Deadline deadline, std::string* log, char name) {
  auto ticket = co_await admission->enter(deadline);
  if (!ticket) {
    log->push_back(ticket.error().code == Errc::exhausted   ? 'x'
                   : ticket.error().code == Errc::timeout   ? 't'
                   : ticket.error().code == Errc::cancelled ? 'c'
                                                            : '?');
    co_return Result<void>{};
  }
  log->push_back(name);
  co_return Result<void>{};
}

Task<void> fifo(std::string* log) {
  Core& core = Core::current();
  Admission admission(1, 2);
  {
    CO_TRY(auto ticket, co_await admission.enter(Deadline::in(1h)));
    for (char name : {'a', 'b', 'd'})
      core.spawn("enter", enter_and_note(&admission, Deadline::in(1h), log, name));
    EXPECT_EQ(admission.queued(), 2u);
    EXPECT_EQ(*log, "x");
    EXPECT_FALSE(admission.try_enter());
  }
  for (int i = 0; i < 10 && log->size() < 3; ++i) co_await core.yield_low_priority();
  EXPECT_EQ(admission.running(), 0u);
  co_return Result<void>{};
}

TEST(Admission, LetsInInOrderAndRefusesBeyondTheQueue) {
  auto cores = test_cores();
  std::string log;
  ASSERT_TRUE(cores->run_blocking<void>(0, [&log] { return fifo(&log); }));
  EXPECT_EQ(log, "xab");
}

Task<void> deadlines(std::string* log) {
  Core& core = Core::current();
  Admission admission(1, 10);
  auto ticket = admission.try_enter();
  EXPECT_TRUE(ticket);
  core.spawn("late", enter_and_note(&admission, Deadline::in(1ms), log, 'a'));
  core.spawn("patient", enter_and_note(&admission, Deadline::in(1h), log, 'b'));
  CO_TRY_OK(co_await core.sleep_until(Deadline::in(5ms)));
  EXPECT_EQ(*log, "t");
  EXPECT_EQ(admission.queued(), 1u);
  ticket.reset();
  for (int i = 0; i < 10 && log->size() < 2; ++i) co_await core.yield_low_priority();
  EXPECT_EQ(admission.running(), 0u);
  co_return Result<void>{};
}

TEST(Admission, ADeadlineLeavesTheQueueAndThePlaceGoesToTheNext) {
  auto cores = test_cores();
  std::string log;
  ASSERT_TRUE(cores->run_blocking<void>(0, [&log] { return deadlines(&log); }));
  EXPECT_EQ(log, "tb");
}

}  // namespace
}  // namespace trellis::runtime
