// Goal: a host counts as gone when its process and its stream have both ended, and not before.
#include "host_watch.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "runtime/task_group.h"
#include "runtime/testing.h"

namespace trellis::provider_app {
namespace {

using namespace std::chrono_literals;
using runtime::Deadline;
using runtime::Task;

constexpr auto kSoon = 10s;

// A process that does nothing, and the stream it would write to.
class FakeHost {
 public:
  FakeHost() {
    EXPECT_EQ(::pipe(ends_), 0);
    pid_ = ::fork();
    if (pid_ == 0) {
      ::pause();
      ::_exit(0);
    }
  }
  ~FakeHost() {
    kill();
    close_stream();
    ::close(ends_[0]);
  }
  void kill() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    pid_ = 0;
  }
  void close_stream() {
    if (ends_[1] >= 0) ::close(ends_[1]);
    ends_[1] = -1;
  }
  Task<void> gone() const { return host_gone(Parent(pid_), ends_[0]); }

 private:
  int ends_[2] = {-1, -1};
  pid_t pid_ = 0;
};

Task<void> note(Task<void> task, bool* done) {
  *done = (co_await std::move(task)).has_value();
  co_return Result<void>{};
}

// Watches while `first` has happened alone, then with `then` as well.
Task<void> watch(FakeHost* host, void (FakeHost::*first)(), void (FakeHost::*then)()) {
  bool done = false;
  runtime::TaskGroup group(runtime::Core::current());
  group.spawn("watch", note(host->gone(), &done));
  (host->*first)();
  const auto early = co_await group.join(Deadline::in(50ms));
  EXPECT_FALSE(early) << "one of the two is no end";
  (host->*then)();
  const auto joined = co_await group.join(Deadline::in(kSoon));
  group.cancel();
  while (group.size() > 0) (void)co_await group.join(Deadline::in(1s));
  EXPECT_TRUE(joined && done);
  co_return Result<void>{};
}

TEST(HostWatch, ProcessAndStreamBothHaveToEnd) {
  const auto cores = runtime::test_cores();
  FakeHost killed;
  EXPECT_TRUE(cores->run_blocking<void>(
      0, [&] { return watch(&killed, &FakeHost::kill, &FakeHost::close_stream); }));
  FakeHost silent;
  EXPECT_TRUE(cores->run_blocking<void>(
      0, [&] { return watch(&silent, &FakeHost::close_stream, &FakeHost::kill); }));
}

Task<void> watch_and_leave(Task<void> gone) {
  runtime::TaskGroup group(runtime::Core::current());
  bool done = false;
  group.spawn("watch", note(std::move(gone), &done));
  group.cancel();
  while (group.size() > 0) (void)co_await group.join(Deadline::in(1s));
  EXPECT_FALSE(done);
  co_return Result<void>{};
}

TEST(HostWatch, CanBeLeft) {
  const auto cores = runtime::test_cores();
  FakeHost host;
  EXPECT_TRUE(cores->run_blocking<void>(0, [&] { return watch_and_leave(host.gone()); }));
  EXPECT_TRUE(
      cores->run_blocking<void>(0, [&] { return watch_and_leave(host_gone(Parent(0), 0)); }));
}

}  // namespace
}  // namespace trellis::provider_app
