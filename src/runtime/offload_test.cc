#include "runtime/offload.h"

#include <gtest/gtest.h>

#include <future>

#include "runtime/testing.h"

namespace trellis::runtime {
namespace {

using namespace std::chrono_literals;

TEST(Offload, RunsElsewhereAndResumesOnTheCallingCore) {
  auto cores = test_cores();
  Offload offload(1);
  struct Trip {
    static Task<bool> run(Offload* to) {
      const auto here = std::this_thread::get_id();
      CO_TRY(auto there, co_await to->run<std::thread::id>(
                             [] { return Result<std::thread::id>(std::this_thread::get_id()); }));
      co_return here != there&& here == std::this_thread::get_id();
    }
  };
  EXPECT_TRUE(*cores->run_blocking<bool>(0, [&] { return Trip::run(&offload); }));
}

TEST(Offload, BringsErrorsAndExceptionsHome) {
  auto cores = test_cores();
  Offload offload(1);
  auto refused = cores->run_blocking<int>(0, [&] {
    return offload.run<int>([]() -> Result<int> { return fail(Errc::corrupt, "test", "bad"); });
  });
  EXPECT_EQ(refused.error().code, Errc::corrupt);
  auto thrown = cores->run_blocking<int>(0, [&] {
    return offload.run<int>([]() -> Result<int> { throw std::runtime_error("from a library"); });
  });
  EXPECT_EQ(thrown.error().code, Errc::internal);
}

// One thread, held by a piece of work that waits for `release`.
struct Held {
  std::promise<void> started, release;
  Task<int> hold(Offload* to) {
    co_return co_await to->run<int>([this]() -> Result<int> {
      started.set_value();
      release.get_future().wait();
      return 1;
    });
  }
};

Task<void> ignore(Task<int> task, Errc* code) {
  auto result = co_await std::move(task);
  *code = result ? Errc::internal : result.error().code;
  co_return Result<void>{};
}

TEST(Offload, RefusesTheNewestWorkWhenItsQueueIsFull) {
  auto cores = test_cores();
  Offload offload(1, 1);
  Held held;
  Errc running{}, queued{}, refused{};
  (*cores)[0].post([&] { Core::current().spawn("held", ignore(held.hold(&offload), &running)); });
  held.started.get_future().wait();
  (*cores)[0].post([&] {
    auto work = [] { return Result<int>(1); };
    Core::current().spawn("queued", ignore(offload.run<int>(work), &queued));
    Core::current().spawn("refused", ignore(offload.run<int>(work), &refused));
  });
  EXPECT_TRUE(cores->run_blocking<int>(0, []() -> Task<int> { co_return 0; }));
  EXPECT_EQ(refused, Errc::exhausted);
  held.release.set_value();
  cores->stop();
}

TEST(Offload, ACancelledCallerLeavesTheQueueAndItsWorkNeverRuns) {
  auto cores = test_cores();
  Offload offload(1, 8);
  Held held;
  Errc running{};
  bool ran = false;
  (*cores)[0].post([&] { Core::current().spawn("held", ignore(held.hold(&offload), &running)); });
  held.started.get_future().wait();
  auto got = cores->run_blocking<int>(0, [&] {
    return with_deadline(offload.run<int>([&ran]() -> Result<int> {
      ran = true;
      return 1;
    }),
                         Deadline::in(2ms), "test");
  });
  EXPECT_EQ(got.error().code, Errc::timeout);
  held.release.set_value();
  cores->stop();
  EXPECT_FALSE(ran);
}

TEST(Offload, DestructionCancelsWhatIsQueued) {
  auto cores = test_cores();
  auto offload = std::make_unique<Offload>(1, 8);
  Held held;
  Errc running{}, queued{};
  (*cores)[0].post(
      [&] { Core::current().spawn("held", ignore(held.hold(offload.get()), &running)); });
  held.started.get_future().wait();
  (*cores)[0].post([&] {
    Core::current().spawn("queued",
                          ignore(offload->run<int>([] { return Result<int>(1); }), &queued));
  });
  EXPECT_TRUE(cores->run_blocking<int>(0, []() -> Task<int> { co_return 0; }));
  std::jthread releaser([&] { held.release.set_value(); });
  offload.reset();
  cores->stop();
  EXPECT_TRUE(queued == Errc::cancelled || queued == Errc::internal);  // internal: it ran in time
}

}  // namespace
}  // namespace trellis::runtime
