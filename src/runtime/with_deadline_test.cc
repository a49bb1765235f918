#include "runtime/with_deadline.h"

#include <gtest/gtest.h>

#include "runtime/task_group.h"
#include "runtime/testing.h"

namespace trellis::runtime {
namespace {

using namespace std::chrono_literals;

Task<int> at_once() { co_return 7; }

Task<int> after(Deadline deadline, int value) {
  CO_TRY_OK(co_await Core::current().sleep_until(deadline));
  co_return value;
}

TEST(WithDeadline, GivesTheValueOfATaskThatIsDoneAtOnce) {
  auto cores = test_cores();
  auto got = cores->run_blocking<int>(
      0, [] { return with_deadline(at_once(), Deadline::in(1h), "test"); });
  EXPECT_EQ(*got, 7);
}

TEST(WithDeadline, GivesTheValueOfATaskThatWaits) {
  auto cores = test_cores();
  auto got = cores->run_blocking<int>(
      0, [] { return with_deadline(after(Deadline::in(2ms), 5), Deadline::in(1h), "test"); });
  EXPECT_EQ(*got, 5);
}

TEST(WithDeadline, FailsTimeoutWithTheSite) {
  auto cores = test_cores();
  auto got = cores->run_blocking<int>(
      0, [] { return with_deadline(after(Deadline::in(1h), 5), Deadline::in(3ms), "test.site"); });
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code, Errc::timeout);
  EXPECT_STREQ(got.error().site, "test.site");
}

TEST(WithDeadline, AnExpiredDeadlineStillEndsTheWait) {
  auto cores = test_cores();
  auto got = cores->run_blocking<int>(
      0, [] { return with_deadline(after(Deadline::in(1h), 5), Deadline::in(-1s), "test"); });
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code, Errc::timeout);
}

// Both due in the same ring of the timer: whichever is first, there is one outcome and no crash.
TEST(WithDeadline, ATaskThatEndsInTheSameTickHasOneOutcome) {
  auto cores = test_cores();
  for (int i = 0; i < 200; ++i) {
    const auto same = Deadline::in(200us);
    auto got =
        cores->run_blocking<int>(0, [same] { return with_deadline(after(same, 5), same, "test"); });
    if (got)
      EXPECT_EQ(*got, 5);
    else
      EXPECT_EQ(got.error().code, Errc::timeout);
  }
}

// Goes on waiting when told to end, as code that swallows errors would.
Task<int> ignores_being_told(int* told) {
  for (int i = 0; i < 3; ++i)
    if (!co_await Core::current().sleep_until(Deadline::in(1h))) ++*told;
  co_return 1;
}

TEST(WithDeadline, ATaskThatIgnoresItIsToldAgainAndTheResultIsTimeout) {
  auto cores = test_cores();
  int told = 0;
  auto got = cores->run_blocking<int>(
      0, [&told] { return with_deadline(ignores_being_told(&told), Deadline::in(2ms), "test"); });
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code, Errc::timeout);
  EXPECT_EQ(told, 3);
}

TEST(WithDeadline, TheEarlierOfNestedDeadlinesWins) {
  auto cores = test_cores();
  auto inner_first = cores->run_blocking<int>(0, [] {
    return with_deadline(with_deadline(after(Deadline::in(1h), 5), Deadline::in(2ms), "inner"),
                         Deadline::in(1h), "outer");
  });
  ASSERT_FALSE(inner_first);
  EXPECT_STREQ(inner_first.error().site, "inner");
  auto outer_first = cores->run_blocking<int>(0, [] {
    return with_deadline(with_deadline(after(Deadline::in(1h), 5), Deadline::in(1h), "inner"),
                         Deadline::in(2ms), "outer");
  });
  ASSERT_FALSE(outer_first);
  EXPECT_STREQ(outer_first.error().site, "outer");
}

Task<int> throws() {
  CO_TRY_OK(co_await Core::current().sleep_until(Deadline::in(1ms)));
  throw std::runtime_error("from a library");
}

TEST(WithDeadline, AnExceptionOfALibraryIsAnInternalError) {
  auto cores = test_cores();
  auto got =
      cores->run_blocking<int>(0, [] { return with_deadline(throws(), Deadline::in(1h), "test"); });
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code, Errc::internal);
}

Task<void> group_of(int* ended) {
  struct Child {
    static Task<void> run(int* count) {
      auto slept = co_await Core::current().sleep_until(Deadline::in(1h));
      if (!slept && slept.error().code == Errc::cancelled) ++*count;
      co_return slept;
    }
  };
  TaskGroup group(Core::current());
  for (int i = 0; i < 10; ++i) group.spawn("child", Child::run(ended));
  auto early = co_await group.join(Deadline::in(1ms));
  EXPECT_EQ(early.error().code, Errc::timeout);
  EXPECT_NE(early.error().detail.find("child"), std::string::npos);
  group.cancel();
  CO_TRY_OK(co_await group.join(Deadline::in(10s)));
  group.spawn("late", Child::run(ended));
  CO_TRY_OK(co_await group.join(Deadline::in(10s)));
  co_return Result<void>{};
}

TEST(TaskGroup, CancelEndsAllItsTasksAndThoseThatComeLater) {
  auto cores = test_cores();
  int ended = 0;
  auto got = cores->run_blocking<void>(0, [&ended] { return group_of(&ended); });
  ASSERT_TRUE(got) << got.error().describe();
  EXPECT_EQ(ended, 11);
}

// Not a promise of a figure (bench/ measures); a guard against a timer or a trip through the loop.
Task<double> nanoseconds_per_call(int calls) {
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < calls; ++i)
    CO_TRY_OK(co_await with_deadline(at_once(), Deadline{start + 1h}, "test"));
  const std::chrono::duration<double, std::nano> took = std::chrono::steady_clock::now() - start;
  co_return took.count() / calls;
}

TEST(WithDeadline, CostsLittleWhenTheTaskIsDoneAtOnce) {
  auto cores = test_cores();
  auto got = cores->run_blocking<double>(0, [] { return nanoseconds_per_call(20'000); });
  RecordProperty("nanoseconds", static_cast<int>(*got));
  EXPECT_LT(*got, 50'000);
}

}  // namespace
}  // namespace trellis::runtime
