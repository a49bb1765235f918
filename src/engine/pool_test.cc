// How calls share a core and a module: fresh and reused instances, waiting, deadlines,
// cancellation.
#include "engine/pool.h"

#include "engine/engine_fixture.h"
#include "engine/test_guest.h"
#include "runtime/parking.h"

namespace trellis::engine {
namespace {

using namespace std::chrono_literals;
using runtime::Core;
using runtime::Deadline;
using runtime::Task;

const std::string kFirst("\1\0\0\0\1\0\0\0", 8), kSecond("\2\0\0\0\2\0\0\0", 8);

// Calls that wait in their host call until the test opens it.
class Gate {
 public:
  Task<void> pass(Deadline deadline) {
    runtime::Parking here(Core::current());
    waiting_.push_back(&here);
    if (wanted_ && waiting_.size() == wanted_) wanted_parking_->wake();
    const auto how = co_await here.wait(deadline);
    std::erase(waiting_, &here);  // unless open() did
    if (how == runtime::Wake::woken) co_return Result<void>();
    co_return fail(Errc::cancelled, "test", "cancelled in the gate");
  }
  Task<void> until_waiting(std::size_t count) {
    if (waiting_.size() >= count) co_return Result<void>();
    runtime::Parking here(Core::current());
    wanted_ = count;
    wanted_parking_ = &here;
    co_await here.wait(Deadline::in(20s));
    wanted_ = 0;
    co_return Result<void>();
  }
  void open() {
    auto all = std::move(waiting_);
    waiting_.clear();
    for (auto* parking : all) parking->wake();
  }
  std::size_t waiting() const { return waiting_.size(); }

 private:
  std::vector<runtime::Parking*> waiting_;
  std::size_t wanted_ = 0;
  runtime::Parking* wanted_parking_ = nullptr;
};

class PoolTest : public EngineFixture {
 protected:
  void close_gate() {
    host_.before_answer = [this](Deadline deadline) { return gate_.pass(deadline); };
    host_.answer = to_bytes("passed");
  }
  // A call nobody awaits; its answer or error ends up in `results`.
  void start(InstancePool& pool, std::string operation, Deadline deadline,
             std::string payload = "") {
    Core::current().spawn("call", record(pool, std::move(operation), deadline, std::move(payload)));
  }
  Task<void> record(InstancePool& pool, std::string operation, Deadline deadline,
                    std::string payload) {
    ++started_;
    auto answer = co_await call_text(pool, operation, payload, deadline);
    if (!answer) codes_.push_back(answer.error().code);
    results_.push_back(answer ? *answer : answer.error().detail);
    if (results_.size() == started_ && all_) all_->wake();
    co_return Result<void>();
  }
  Task<void> until_all_answered() {
    if (results_.size() == started_) co_return Result<void>();
    runtime::Parking here(Core::current());
    all_ = &here;
    co_await here.wait(Deadline::in(30s));
    all_ = nullptr;
    co_return Result<void>();
  }
  // What the calls left behind is destroyed in the next turns of the loop.
  static Task<void> let_loop_run() {
    for (int i = 0; i < 5; ++i) CO_TRY_OK(co_await Core::current().sleep_until(Deadline::in(0ms)));
    co_return Result<void>();
  }
  void expect_refused_for_memory(std::size_t from, std::size_t calls) const {
    ASSERT_EQ(results_.size(), from + calls);
    for (std::size_t i = from; i < results_.size(); ++i)
      EXPECT_NE(
          results_[i].find("it was refused memory: all guests of this host together may have"),
          std::string::npos)
          << results_[i];
    for (const Errc code : codes_) EXPECT_EQ(code, Errc::exhausted);
  }
  std::size_t count(std::string_view result) const {
    return static_cast<std::size_t>(std::count(results_.begin(), results_.end(), result));
  }

  Gate gate_;
  std::size_t started_ = 0;
  std::vector<std::string> results_;
  std::vector<Errc> codes_;  // of those that are errors
  runtime::Parking* all_ = nullptr;
};

TEST_F(PoolTest, FreshInstancesRememberNothing) {
  auto use = [](InstancePool& pool) -> Task<void> {
    for (int i = 0; i < 50; ++i) {
      EXPECT_EQ((co_await call_text(pool, "count", "", soon())).value_or("error"), kFirst);
      // Half of them on an instance made ready in between.
      if (i % 2) EXPECT_TRUE(co_await Core::current().sleep_until(Deadline::in(0ms)));
    }
    co_return Result<void>();
  };
  EXPECT_TRUE(with_pool<void>(loaded(test_guest()), {}, use));
}

TEST_F(PoolTest, FreshInstancesOfLargeGuestsRememberNothing) {
  std::string text = test_guest();
  text.replace(text.find("\"memory\") 2"), 11, "\"memory\") 17");
  auto use = [](InstancePool& pool) -> Task<void> {
    for (int i = 0; i < 20; ++i) {
      EXPECT_EQ((co_await call_text(pool, "count", "", soon())).value_or("error"), kFirst);
      EXPECT_EQ((co_await call_text(pool, "g", "", soon())).value_or("error"),
                std::string("\x12\0\0\0", 4));
      EXPECT_TRUE(co_await Core::current().sleep_until(Deadline::in(0ms)));
    }
    co_return Result<void>();
  };
  EXPECT_TRUE(with_pool<void>(loaded(text), {}, use));
}

TEST_F(PoolTest, ReusedInstancesRemember) {
  auto use = [](InstancePool& pool) -> Task<void> {
    EXPECT_EQ((co_await call_text(pool, "count", "", soon())).value_or("error"), kFirst);
    EXPECT_FALSE(co_await call_text(pool, "x", "", soon()));  // an error is an answer
    EXPECT_EQ((co_await call_text(pool, "count", "", soon())).value_or("error"), kSecond);
    co_return Result<void>();
  };
  EXPECT_TRUE(with_pool<void>(loaded(test_guest()), {.mode = InstanceMode::reuse}, use));
}

TEST_F(PoolTest, ReuseKeepsToItsCountAndServesInOrderOfArrival) {
  close_gate();
  auto use = [this](InstancePool& pool) -> Task<void> {
    for (int i = 0; i < 5; ++i) start(pool, "host", soon());
    CO_TRY_OK(co_await gate_.until_waiting(2));
    EXPECT_EQ(pool.running(), 5u);
    for (int left = 5; left > 0; left = static_cast<int>(started_ - results_.size())) {
      CO_TRY_OK(co_await gate_.until_waiting(static_cast<std::size_t>(std::min(left, 2))));
      EXPECT_LE(gate_.waiting(), 2u);
      gate_.open();
      EXPECT_TRUE(co_await Core::current().sleep_until(Deadline::in(1ms)));
    }
    CO_TRY_OK(co_await until_all_answered());
    EXPECT_EQ(count("passed"), 5u);
    EXPECT_EQ(pool.running(), 0u);
    co_return Result<void>();
  };
  EXPECT_TRUE(
      with_pool<void>(loaded(test_guest()), {.mode = InstanceMode::reuse, .reuse_max = 2}, use));
}

TEST_F(PoolTest, ALargerReuseCountLetsThoseWhoWaitIn) {
  close_gate();
  auto use = [this](InstancePool& pool) -> Task<void> {
    for (int i = 0; i < 4; ++i) start(pool, "host", soon());
    CO_TRY_OK(co_await gate_.until_waiting(1));
    EXPECT_EQ(gate_.waiting(), 1u);
    pool.set_reuse_max(3);
    CO_TRY_OK(co_await gate_.until_waiting(3));
    EXPECT_EQ(gate_.waiting(), 3u);
    pool.set_reuse_max(1);
    gate_.open();
    CO_TRY_OK(co_await gate_.until_waiting(1));
    EXPECT_EQ(gate_.waiting(), 1u);
    EXPECT_EQ(count("passed"), 3u);
    gate_.open();
    co_return co_await until_all_answered();
  };
  EXPECT_TRUE(with_pool<void>(loaded(test_guest()), {.mode = InstanceMode::reuse}, use));
  EXPECT_EQ(count("passed"), 4u);
}

TEST_F(PoolTest, WaitingForAnInstanceEndsAtTheDeadline) {
  close_gate();
  auto use = [this](InstancePool& pool) -> Task<void> {
    start(pool, "host", soon());
    start(pool, "echo", Deadline::in(20ms));
    for (int i = 0; i < 1000 && results_.empty(); ++i)
      CO_TRY_OK(co_await Core::current().sleep_until(Deadline::in(1ms)));
    CO_TRY_OK(co_await gate_.until_waiting(1));
    EXPECT_EQ(count("all 1 instances of actor were busy until the deadline"), 1u);
    gate_.open();
    co_return co_await until_all_answered();
  };
  EXPECT_TRUE(with_pool<void>(loaded(test_guest()), {.mode = InstanceMode::reuse}, use));
}

TEST_F(PoolTest, AnEndlessLoopEndsAtItsDeadlineAndOthersGoOnMeanwhile) {
  std::size_t answered = 0;
  auto use = [&](InstancePool& pool) -> Task<void> {
    start(pool, "spin", Deadline::in(200ms));
    while (results_.empty()) {
      CO_TRY_OK(co_await call_text(pool, "echo", "hello", soon()));
      ++answered;
      CO_TRY_OK(co_await Core::current().sleep_until(Deadline::in(1ms)));
    }
    co_return Result<void>();
  };
  EXPECT_TRUE(with_pool<void>(loaded(test_guest()), {}, use));
  ASSERT_EQ(results_.size(), 1u);
  EXPECT_EQ(results_[0], "actor did not answer spin within 200 ms");
  EXPECT_GT(answered, 2u);
}

TEST_F(PoolTest, AnEndlessLoopInStartupEndsToo) {
  auto spinning = load_error(test_guest("wapc", R"((func (export "start") (call $spin)))"));
  EXPECT_EQ(spinning, "the module's start-up did not end within 2 s");
}

TEST_F(PoolTest, AHostCallThatOutlastsTheDeadlineEndsTheCall) {
  close_gate();
  auto use = [this](InstancePool& pool) -> Task<void> {
    start(pool, "host", Deadline::in(30ms));
    co_return co_await until_all_answered();
  };
  EXPECT_TRUE(with_pool<void>(loaded(test_guest()), {}, use));
  ASSERT_EQ(results_.size(), 1u);
  EXPECT_EQ(results_[0], "actor did not answer host within 30 ms");
}

TEST_F(PoolTest, ACancelledCallIsGivenUpWhereverItIs) {
  close_gate();
  auto use = [](InstancePool& pool) -> Task<void> {
    for (const char* operation : {"host", "spin", "host"}) {
      auto answer = co_await runtime::with_deadline(call_text(pool, operation, "", soon()),
                                                    Deadline::in(20ms), "test");
      EXPECT_FALSE(answer);
      EXPECT_EQ(answer.error().code, Errc::timeout);
      EXPECT_EQ(pool.running(), 0u);
    }
    co_return co_await call_text(pool, "echo", "alive", soon()) ? Result<void>()
                                                                : fail(Errc::internal, "test");
  };
  EXPECT_TRUE(with_pool<void>(loaded(test_guest()), {}, use));
  EXPECT_TRUE(with_pool<void>(loaded(test_guest()), {.mode = InstanceMode::reuse}, use));
}

TEST_F(PoolTest, ThousandsOfCallsWaitInTheirHostCallsAtOnce) {
  static constexpr std::size_t kCalls = 1500;
  start_engine({.instances_max = 1600});
  close_gate();
  auto use = [this](InstancePool& pool) -> Task<void> {
    for (std::size_t i = 0; i < kCalls; ++i) start(pool, "host", Deadline::in(60s));
    CO_TRY_OK(co_await gate_.until_waiting(kCalls));
    EXPECT_EQ(gate_.waiting(), kCalls);
    EXPECT_EQ(pool.running(), kCalls);
    gate_.open();
    co_return co_await until_all_answered();
  };
  EXPECT_TRUE(with_pool<void>(loaded(test_guest()), {}, use));
  EXPECT_EQ(count("passed"), kCalls);
}

TEST_F(PoolTest, WhenNoInstanceIsLeftACallIsRefusedAndTheOthersGoOn) {
  close_gate();
  auto use = [this](InstancePool& pool) -> Task<void> {
    for (int i = 0; i < 70; ++i) start(pool, "host", soon());
    for (int i = 0; i < 1000 && gate_.waiting() + results_.size() < 70; ++i)
      CO_TRY_OK(co_await Core::current().sleep_until(Deadline::in(1ms)));
    const auto waiting = gate_.waiting();
    EXPECT_GE(waiting, 8u);
    EXPECT_EQ(results_.size(), 70 - waiting);
    for (const auto& result : results_)
      EXPECT_TRUE(result.starts_with("no room for another instance of actor: ")) << result;
    gate_.open();
    CO_TRY_OK(co_await until_all_answered());
    EXPECT_EQ(count("passed"), waiting);
    co_return Result<void>();
  };
  start_engine({.instances_max = 16});
  EXPECT_TRUE(with_pool<void>(loaded(test_guest()), {}, use));
}

// Instances kept ready give way to those that are needed.
TEST_F(PoolTest, ReadyInstancesOfIdleActorsMakeRoom) {
  start_engine({.instances_max = 8});
  auto module = loaded(test_guest());
  auto use = [&]() -> Task<void> {
    std::vector<std::unique_ptr<InstancePool>> pools;
    for (int i = 0; i < 30; ++i) {
      pools.push_back(engine_->make_pool(module, host_, {}));
      auto answer = co_await call_text(*pools.back(), "echo", "x", soon());
      EXPECT_EQ(answer.value_or(answer ? "" : answer.error().detail), "x");
      CO_TRY_OK(co_await Core::current().sleep_until(Deadline::in(0ms)));
    }
    co_return Result<void>();
  };
  EXPECT_TRUE(on_core<void>(use));
}

// A used instance that only waits to be destroyed makes room as well. That of a module that writes
// a table is not used again.
TEST_F(PoolTest, ARetiredInstanceMakesRoom) {
  start_engine({.instances_max = 8});
  close_gate();
  const auto module = loaded(test_guest("wapc", R"((table $t 1 funcref) (func $f)
    (elem declare func $f)
    (func (export "other") (table.set $t (i32.const 0) (ref.func $f))))"));
  auto use = [this](InstancePool& pool) -> Task<void> {
    for (int i = 0; i < 7; ++i) start(pool, "host", soon());
    CO_TRY_OK(co_await gate_.until_waiting(7));
    for (int i = 0; i < 3; ++i)  // the loop does not run in between
      EXPECT_EQ((co_await call_text(pool, "echo", "x", soon())).value_or("refused"), "x");
    gate_.open();
    co_return co_await until_all_answered();
  };
  EXPECT_TRUE(with_pool<void>(module, {}, use));
  EXPECT_EQ(count("passed"), 7u);
}

// Each grows to 3 MiB and keeps that while it waits: two have room in 8 MiB, whoever else comes is
// refused, small ones go on, and every round finds the budget as it was.
TEST_F(PoolTest, AllGuestsTogetherKeepToTheirBudget) {
  static constexpr std::size_t kCalls = 5, kWithRoom = 2;
  start_engine({.instances_max = 64, .guest_memory_bytes_max = 8u << 20});
  close_gate();
  auto use = [this](InstancePool& pool) -> Task<void> {
    for (std::size_t round = 0; round < 3; ++round) {
      const auto before = results_.size();
      for (std::size_t i = 0; i < kCalls; ++i)
        start(pool, "G", soon(), std::string("\x30\0\0\0", 4));
      CO_TRY_OK(co_await gate_.until_waiting(kWithRoom));
      for (int i = 0; i < 1000 && results_.size() < before + kCalls - kWithRoom; ++i)
        CO_TRY_OK(co_await Core::current().sleep_until(Deadline::in(1ms)));
      EXPECT_EQ(gate_.waiting(), kWithRoom);
      expect_refused_for_memory(before, kCalls - kWithRoom);
      EXPECT_EQ((co_await call_text(pool, "echo", "small", soon())).value_or("error"), "small");
      gate_.open();
      CO_TRY_OK(co_await until_all_answered());
      EXPECT_EQ(count("passed"), kWithRoom * (round + 1));
      CO_TRY_OK(co_await let_loop_run());
    }
    co_return Result<void>();
  };
  EXPECT_TRUE(with_pool<void>(loaded(test_guest()), {}, use));
}

// The slots that a burst used go on counting, but only for what they keep, and only once however
// many cores use them. 8 of 17 pages are 8.5 MiB while they wait; what they leave, beside a guest
// that grows to 173 pages, has room in 14 MiB, which is what 16 MiB have for growth.
TEST_F(PoolTest, ABurstOnEachCoreLeavesRoomToGrow) {
  static constexpr std::size_t kCalls = 8;
  engine_.reset();
  cores_->stop();
  cores_ = *runtime::Cores::start({.count = 2, .pin = false});
  start_engine({.instances_max = 64, .guest_memory_bytes_max = 16u << 20});
  std::string text = test_guest();
  const auto module = loaded(text.replace(text.find("\"memory\") 2"), 11, "\"memory\") 17"));
  close_gate();
  auto burst = [&]() -> Task<void> {
    {
      const auto pool = engine_->make_pool(module, host_, {});
      for (std::size_t i = 0; i < kCalls; ++i) start(*pool, "host", soon());
      CO_TRY_OK(co_await gate_.until_waiting(kCalls));
      gate_.open();
      CO_TRY_OK(co_await until_all_answered());
    }
    co_return co_await let_loop_run();
  };
  EXPECT_TRUE(cores_->run_blocking<void>(0, burst));
  EXPECT_TRUE(cores_->run_blocking<void>(1, burst));
  EXPECT_EQ(count("passed"), 2 * kCalls);
  host_.before_answer = nullptr;
  EXPECT_EQ(call(module, "G", std::string("\x9c\0\0\0", 4)).value_or("error"), "passed");
}

std::string guest_of_100_pages() {
  std::string text = test_guest();
  return text.replace(text.find("\"memory\") 2"), 11, "\"memory\") 100");
}

TEST_F(PoolTest, AnInstanceThatFindsNoMemoryIsRefused) {
  start_engine({.instances_max = 64, .guest_memory_bytes_max = 16u << 20});
  close_gate();
  auto use = [this](InstancePool& pool) -> Task<void> {
    for (int i = 0; i < 4; ++i) start(pool, "host", soon());
    CO_TRY_OK(co_await gate_.until_waiting(2));
    for (int i = 0; i < 1000 && results_.size() < 2; ++i)
      CO_TRY_OK(co_await Core::current().sleep_until(Deadline::in(1ms)));
    expect_refused_for_memory(0, 2);
    gate_.open();
    CO_TRY_OK(co_await until_all_answered());
    EXPECT_EQ(count("passed"), 2u);
    co_return Result<void>();
  };
  EXPECT_TRUE(with_pool<void>(loaded(guest_of_100_pages()), {}, use));
  start_engine({.instances_max = 64, .guest_memory_bytes_max = 4u << 20});
  EXPECT_NE(load_error(guest_of_100_pages()).find("TRELLIS_GUEST_MEMORY_MIB"), std::string::npos);
}

TEST_F(PoolTest, ReadyInstancesGiveTheirMemoryToThoseThatAreNeeded) {
  start_engine({.instances_max = 64, .guest_memory_bytes_max = 16u << 20});
  auto module = loaded(guest_of_100_pages());
  auto use = [&]() -> Task<void> {
    std::vector<std::unique_ptr<InstancePool>> pools;
    for (int i = 0; i < 10; ++i) {
      pools.push_back(engine_->make_pool(module, host_, {}));
      auto answer = co_await call_text(*pools.back(), "echo", "x", soon());
      EXPECT_EQ(answer.value_or(answer ? "" : answer.error().detail), "x");
      CO_TRY_OK(co_await let_loop_run());
    }
    co_return Result<void>();
  };
  EXPECT_TRUE(on_core<void>(use));
}

// An actor that calls itself, to the depth the test's host allows.
TEST_F(PoolTest, CallsNest) {
  InstancePool* inner = nullptr;
  int depth = 0;
  auto use = [&](InstancePool& pool) -> Task<void> {
    inner = &pool;
    auto nested = [&](Deadline deadline) -> Task<void> {
      if (++depth < 20) CO_TRY_OK(co_await call_text(*inner, "host", "", deadline));
      co_return Result<void>();
    };
    host_.before_answer = nested;
    host_.answer = to_bytes("bottom");
    EXPECT_EQ((co_await call_text(pool, "host", "", soon())).value_or("error"), "bottom");
    co_return Result<void>();
  };
  EXPECT_TRUE(with_pool<void>(loaded(test_guest()), {}, use));
  EXPECT_EQ(depth, 20);
}

}  // namespace
}  // namespace trellis::engine
