#include "runtime/core.h"

#include <gtest/gtest.h>

#include <atomic>
#include <semaphore>
#include <thread>

#include <boost/asio/steady_timer.hpp>

#include "runtime/parking.h"
#include "runtime/testing.h"

namespace trellis::runtime {
namespace {

using namespace std::chrono_literals;

Task<unsigned> index_of_this_core() { co_return Core::current().index(); }

Task<void> sleep_long() { co_return co_await Core::current().sleep_until(Deadline::in(1h)); }

TEST(Core, RunsPostedWorkInOrderOfPosting) {
  auto cores = test_cores();
  std::vector<int> seen;
  for (int i = 0; i < 1000; ++i) (*cores)[0].post([&seen, i] { seen.push_back(i); });
  cores->stop();
  ASSERT_EQ(seen.size(), 1000u);
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(seen[i], i);
}

TEST(Core, LosesNoPostOfManyThreads) {
  auto cores = test_cores();
  int count = 0;  // touched by the core only
  {
    std::vector<std::jthread> posters;
    for (int t = 0; t < 4; ++t)
      posters.emplace_back([&] {
        for (int i = 0; i < 5000; ++i) (*cores)[0].post([&count] { ++count; });
      });
  }
  cores->stop();
  EXPECT_EQ(count, 20000);
}

TEST(Core, IsCurrentOnItsThreadOnly) {
  EXPECT_EQ(Core::current_or_null(), nullptr);
  auto cores = test_cores(2);
  EXPECT_EQ(*cores->run_blocking<unsigned>(0, index_of_this_core), 0u);
  EXPECT_EQ(*cores->run_blocking<unsigned>(1, index_of_this_core), 1u);
}

Task<void> sleeps_in_order(std::vector<int>* order) {
  Core& core = Core::current();
  struct Step {
    static Task<void> run(std::vector<int>* to, int n, Deadline deadline) {
      CO_TRY_OK(co_await Core::current().sleep_until(deadline));
      to->push_back(n);
      co_return Result<void>{};
    }
  };
  const auto base = Deadline::in(2ms);
  for (int n : {3, 1, 2}) core.spawn("step", Step::run(order, n, {base.at + n * 1ms}));
  CO_TRY_OK(co_await core.sleep_until({base.at + 4ms}));
  co_return Result<void>{};
}

TEST(Core, SleepersWakeInOrderOfTheirDeadlines) {
  auto cores = test_cores();
  std::vector<int> order;
  ASSERT_TRUE(cores->run_blocking<void>(0, [&] { return sleeps_in_order(&order); }));
  EXPECT_EQ(order, (std::vector<int>{1, 2, 3}));
}

TEST(Core, SleepNeverEndsEarly) {
  auto cores = test_cores();
  const auto deadline = Deadline::in(5ms);
  ASSERT_TRUE(cores->run_blocking<void>(0, [&] { return Core::current().sleep_until(deadline); }));
  EXPECT_TRUE(deadline.expired());
}

Task<void> throws_as_a_library_might() {
  co_await Core::current().yield_low_priority();
  throw std::runtime_error("from a library");
}

TEST(Core, AnExceptionEndsItsTaskAndNotTheProcess) {
  auto cores = test_cores();
  auto result = cores->run_blocking<void>(0, throws_as_a_library_might);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Errc::internal);
  EXPECT_NE(result.error().detail.find("from a library"), std::string::npos);
  (*cores)[0].post([] { throw std::runtime_error("in a handler"); });
  EXPECT_TRUE(cores->run_blocking<unsigned>(0, index_of_this_core));
}

// Computes for ever, giving way at every tick, as a guest does.
Task<void> hog(const bool* end, long* slices) {
  while (!*end) {
    const auto tick = Deadline::in(200us);
    while (!tick.expired()) {
    }
    ++*slices;
    co_await Core::current().yield_low_priority();
  }
  co_return Result<void>{};
}

struct HogTrial {
  long slices[4] = {};
  std::chrono::steady_clock::duration worst{};
  int rounds = 0;
};

// Ready work (posts to the own loop) beside four hogs: each round may be delayed by one slice at
// most, whatever the number of hogs.
Task<void> ready_work_beside_hogs(HogTrial* trial) {
  Core& core = Core::current();
  bool end = false;
  for (auto& slices : trial->slices) core.spawn("hog", hog(&end, &slices));
  for (int i = 0; i < 50; ++i) {
    const auto start = std::chrono::steady_clock::now();
    asio::steady_timer timer(core.io(), start);
    co_await timer.async_wait(kAwait);
    trial->worst = std::max(trial->worst, std::chrono::steady_clock::now() - start);
    ++trial->rounds;
  }
  end = true;
  for (int i = 0; i < 100 && core.index() == 0; ++i) co_await core.yield_low_priority();
  co_return Result<void>{};
}

TEST(Core, YieldersShareWhatReadyWorkLeaves) {
  auto cores = test_cores();
  HogTrial trial;
  ASSERT_TRUE(cores->run_blocking<void>(0, [&] { return ready_work_beside_hogs(&trial); }));
  EXPECT_EQ(trial.rounds, 50);
  // In turn: no hog is more than one slice ahead of another.
  const auto [least, most] = std::minmax_element(std::begin(trial.slices), std::end(trial.slices));
  EXPECT_GE(*least, 1);
  EXPECT_LE(*most - *least, 1);
}

Task<void> count_rounds(std::vector<char>* log) {
  Core& core = Core::current();
  struct Yielder {
    static Task<void> run(std::vector<char>* to, char name) {
      for (int i = 0; i < 3; ++i) {
        co_await Core::current().yield_low_priority();
        to->push_back(name);
      }
      co_return Result<void>{};
    }
  };
  core.spawn("a", Yielder::run(log, 'a'));
  core.spawn("b", Yielder::run(log, 'b'));
  for (int i = 0; i < 10; ++i) core.post([log] { log->push_back('.'); });
  for (int i = 0; i < 8; ++i) co_await core.yield_low_priority();
  co_return Result<void>{};
}

TEST(Core, ResumesOneYielderAfterEachRoundOfReadyWork) {
  auto cores = test_cores();
  std::vector<char> log;
  ASSERT_TRUE(cores->run_blocking<void>(0, [&] { return count_rounds(&log); }));
  EXPECT_EQ(std::string(log.begin(), log.end()), "..........ababab");
}

TEST(Cores, StopEndsSpawnedTasksThatSleep) {
  auto cores = test_cores(2);
  for (unsigned i = 0; i < 2; ++i)
    (*cores)[i].post([] { Core::current().spawn("sleeper", sleep_long()); });
  const auto start = std::chrono::steady_clock::now();
  cores->stop();
  EXPECT_LT(std::chrono::steady_clock::now() - start, 4s);
}

// Ignores what its sleep says twice: it is told again, so it ends long before its hour is over.
Task<void> stubborn(int* told) {
  for (int i = 0; i < 3; ++i)
    if (!co_await Core::current().sleep_until(Deadline::in(1h))) ++*told;
  co_return Result<void>{};
}

TEST(Cores, StopTellsATaskAgainThatIgnoresTheFirstTime) {
  auto cores = test_cores();
  int told = 0;
  (*cores)[0].post([&told] { Core::current().spawn("stubborn", stubborn(&told)); });
  cores->stop();
  EXPECT_EQ(told, 3);
}

TEST(Cores, StopIsIdempotentAndNothingRunsAfterIt) {
  auto cores = test_cores();
  cores->stop();
  cores->stop();
  EXPECT_EQ(cores->run_blocking<unsigned>(0, index_of_this_core).error().code, Errc::cancelled);
}

Task<unsigned> ask_other_core(Cores* cores) {
  co_return co_await cores->run_on<unsigned>(1, index_of_this_core);
}

TEST(Cores, RunOnRunsThereAndResumesHere) {
  auto cores = test_cores(2);
  struct Trip {
    static Task<unsigned> run(Cores* all) {
      CO_TRY(unsigned there, co_await ask_other_core(all));
      co_return there * 10 + Core::current().index();
    }
  };
  auto got = cores->run_blocking<unsigned>(0, [&] { return Trip::run(cores.get()); });
  ASSERT_TRUE(got);
  EXPECT_EQ(*got, 10u);
}

TEST(Cores, RunOnBringsTheErrorHome) {
  auto cores = test_cores(2);
  struct Refuse {
    static Task<unsigned> run() { co_return fail(Errc::denied, "test", "no"); }
    static Task<unsigned> trip(Cores* all) { co_return co_await all->run_on<unsigned>(1, run); }
  };
  auto got = cores->run_blocking<unsigned>(0, [&] { return Refuse::trip(cores.get()); });
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code, Errc::denied);
}

TEST(Cores, RunOnThatIsCancelledEndsTheRemoteTask) {
  auto cores = test_cores(2);
  struct Trip {
    static Task<void> run(Cores* all) {
      auto remote = with_deadline(all->run_on<void>(1, sleep_long), Deadline::in(5ms), "test");
      auto result = co_await std::move(remote);
      co_return result;
    }
  };
  auto got = cores->run_blocking<void>(0, [&] { return Trip::run(cores.get()); });
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code, Errc::timeout);
}

TEST(Cores, WhoAsksACoreThatHangsIsNotHeldByIt) {
  auto asking = test_cores(1);  // which outlives those it asks
  auto cores = test_cores(1);
  std::binary_semaphore go_on(0);
  (*cores)[0].post([&] { go_on.acquire(); });
  std::function<Task<int>()> make = []() -> Task<int> { co_return 7; };
  const auto ask = [&](std::chrono::milliseconds limit) {
    return asking->run_blocking<int>(
        0, [&] { return cores->ask<int>(0, make, Deadline::in(limit), "test.ask"); });
  };
  const auto held = ask(20ms);
  ASSERT_FALSE(held);
  EXPECT_EQ(held.error().code, Errc::timeout);
  go_on.release();
  const auto answered = ask(10s);
  ASSERT_TRUE(answered);
  EXPECT_EQ(*answered, 7);
}

TEST(Cores, OnEachVisitsEveryCoreOnceAndReportsAnError) {
  auto cores = test_cores(3);
  std::atomic<int> visits = 0;
  struct Visit {
    static Task<void> run(std::atomic<int>* count) {
      ++*count;
      if (Core::current().index() == 2) co_return fail(Errc::exhausted, "test", "core 2 is full");
      co_return Result<void>{};
    }
    static Task<void> all(Cores* cores, std::atomic<int>* count) {
      co_return co_await cores->on_each([count] { return run(count); });
    }
  };
  auto got = cores->run_blocking<void>(0, [&] { return Visit::all(cores.get(), &visits); });
  EXPECT_EQ(visits, 3);
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().detail, "core 2 is full");
}

}  // namespace
}  // namespace trellis::runtime
