// A few threads for what would block a core: compiling, disk, DNS of libraries. Bounded queue; when
// it is full the newest work is refused (`exhausted`). Owned by main(); run() from any core;
// destroyed before the cores are.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "runtime/core.h"
#include "runtime/parking.h"
#include "runtime/task.h"

namespace trellis::runtime {

class Offload {
 public:
  explicit Offload(unsigned threads = 2, std::size_t queued_max = 1024);
  ~Offload();  // finishes what runs, drops what is queued (their callers get `cancelled`)

  // Runs `work` on one of the threads; resumes on the calling core. A caller that is cancelled
  // while its work is queued leaves at once and the work never runs; work that runs cannot be
  // interrupted and is waited for, so it may refer to the caller's frame.
  template <class T>
  Task<T> run(std::function<Result<T>()> work);

 private:
  // One piece of work, from run() to its caller's resumption. `state` is guarded by mutex_.
  struct Job {
    explicit Job(Core& home_core) : home(home_core), finished(home_core) {}
    Core& home;
    Parking finished;  // at home
    std::function<void()> work;
    enum class State { queued, running, ended } state = State::queued;
  };

  bool submit(const std::shared_ptr<Job>& job);
  bool withdraw(Job& job);  // false when it runs or has run
  static void report(std::shared_ptr<Job> job);
  void serve();

  const std::size_t queued_max_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::shared_ptr<Job>> queue_;
  bool stopping_ = false;
  std::vector<std::jthread> threads_;
};

template <class T>
Task<T> Offload::run(std::function<Result<T>()> work) {
  auto job = std::make_shared<Job>(Core::current());
  std::optional<Result<T>> result;
  job->work = [&result, &work] {
    try {
      result.emplace(work());
    } catch (const std::exception& e) {
      result.emplace(fail(Errc::internal, "runtime.offload",
                          std::string("unexpected exception: ") + e.what()));
    }
  };
  if (!submit(job))
    co_return fail(Errc::exhausted, "runtime.offload",
                   "too much background work is queued; try again later");
  if (co_await job->finished.wait() == Wake::cancelled && !withdraw(*job))
    co_await job->finished.wait({}, Cancellable::no);
  if (!result) co_return fail(Errc::cancelled, "runtime.offload", "no longer wanted");
  co_return std::move(*result);
}

}  // namespace trellis::runtime
