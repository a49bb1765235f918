#include "runtime/signals.h"

#include <gtest/gtest.h>

#include <csignal>

#include "runtime/testing.h"

namespace trellis::runtime {
namespace {

using namespace std::chrono_literals;

Task<int> raise_while_waiting() {
  // SIGUSR1 is taken over by the wait that starts first; it is raised once the wait stands.
  Core::current().post([] { std::raise(SIGUSR1); });
  co_return co_await with_deadline(wait_signal({SIGUSR1, SIGUSR2}), Deadline::in(10s), "test");
}

TEST(Signals, WaitGivesTheNumberThatArrived) {
  auto cores = test_cores();
  auto got = cores->run_blocking<int>(0, raise_while_waiting);
  ASSERT_TRUE(got);
  EXPECT_EQ(*got, SIGUSR1);
}

TEST(Signals, WaitEndsWhenToldTo) {
  auto cores = test_cores();
  auto got = cores->run_blocking<int>(
      0, [] { return with_deadline(wait_signal({SIGUSR1}), Deadline::in(2ms), "test"); });
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code, Errc::timeout);
}

// A second signal used to end the process, where the first had only begun to stop it.
TEST(StopSignals, TakeTheFirstAndIgnoreTheOthers) {
  auto cores = test_cores();
  auto signals = StopSignals::own(*cores);
  ASSERT_TRUE(signals);
  std::raise(SIGINT);  // before anybody waits
  const auto got = (*signals)->wait();
  ASSERT_TRUE(got);
  EXPECT_EQ(*got, SIGINT);
  std::raise(SIGTERM);
  std::raise(SIGINT);
  signals->reset();
  std::raise(SIGTERM);
  std::signal(SIGTERM, SIG_DFL);  // as other tests expect them
  std::signal(SIGINT, SIG_DFL);
}

}  // namespace
}  // namespace trellis::runtime
