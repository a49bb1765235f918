// A core: one thread, one event loop, and everything that lives on it. A request is accepted,
// served and answered on one core; cores share only immutable snapshots and post values to each
// other. Core 0 also runs the control plane (bus, lattice state, supervision). Every core, 0 too,
// has a thread of its own; main() starts them, waits for a signal (signals.h) and stops them.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "runtime/deadline.h"
#include "runtime/task.h"

namespace trellis::runtime {

class DeadlineQueue;
class TaskGroup;
class YieldQueue;

class Core {
 public:
  explicit Core(unsigned index);
  ~Core();  // its loop has ended
  Core(const Core&) = delete;
  Core& operator=(const Core&) = delete;

  unsigned index() const { return index_; }
  asio::io_context& io() { return *io_; }
  Executor executor() { return io_->get_executor(); }
  static Core& current();  // the core this thread runs; CHECK when there is none
  static Core* current_or_null();

  // From any thread: runs `work` on this core, soon, in order of posting per poster.
  void post(std::function<void()> work);

  // On this core: suspends until deadline.at, or fails `cancelled`.
  Task<void> sleep_until(Deadline deadline);

  // On this core: lets everything that is ready run first. Computing guests call it every tick:
  // they wait in a queue of their own from which one is resumed after each round of ready work, so
  // they share what the others leave and never delay them by more than one tick. Not ended by
  // cancellation: who yields is resumed within a tick per other yielder and looks at its deadline.
  asio::awaitable<void, Executor> yield_low_priority();

  // On this core: starts a coroutine nobody awaits; it runs to its first wait before spawn()
  // returns. It is counted; Cores::stop() tells it to end and waits for it (bounded). An error it
  // returns is logged with `what`.
  void spawn(const char* what, Task<void> task);

  DeadlineQueue& deadlines() { return *deadlines_; }
  TaskGroup& tasks() { return *tasks_; }  // what spawn() started

  void run();   // the loop, on the calling thread, until stop()
  void stop();  // from any thread

  // From any thread: for how long the loop has shown no sign of life. It shows one each second
  // (limits::kCoreBeatEvery), whatever else it does; more means that something holds its thread.
  std::chrono::steady_clock::duration silent_for() const;

 private:
  class Beat;
  void run_round();

  unsigned index_;
  std::unique_ptr<asio::io_context> io_;
  std::unique_ptr<DeadlineQueue> deadlines_;
  std::unique_ptr<YieldQueue> yielded_;
  std::unique_ptr<TaskGroup> tasks_;
  std::atomic<std::chrono::steady_clock::time_point> beat_at_;
  std::unique_ptr<Beat> beat_;
  bool stopping_ = false;
};

// The cores of the process. Created by main(), destroyed by it after everything that lives on them.
class Cores {
 public:
  struct Options {
    unsigned count = 0;  // 0: one per hardware thread this process may use (processors.h)
    // Each to a hardware thread of its own, when there are enough. With `count` 0 only where this
    // process has the whole machine: others that share it would choose the same ones.
    bool pin = true;
    std::string name = "core";  // of the threads: core-0, core-1, …
  };
  // Also ignores SIGPIPE for the process: a peer that went away is an error code.
  static Result<std::unique_ptr<Cores>> start(Options options);
  ~Cores();  // stops
  std::size_t size() const { return cores_.size(); }
  Core& operator[](std::size_t index) { return *cores_[index]; }
  const Core& operator[](std::size_t index) const { return *cores_[index]; }

  // Runs `make` on the given core and resumes here (another core or the same) with its result. When
  // the caller is cancelled the remote task is told to end and still waited for, so what `make`
  // refers to may live in the caller's frame.
  template <class T>
  Task<T> run_on(unsigned core, std::function<Task<T>()> make);

  // The same for a caller that must not wait for a core that hangs: fails `timeout` at the
  // deadline, and the task goes on without it, told to end. So what `make` refers to must outlive
  // that, and the caller's own core must outlive these cores.
  template <class T>
  Task<T> ask(unsigned core, std::function<Task<T>()> make, Deadline deadline, const char* site);

  // Runs `make` on every core at once and waits for all; the first error is the result.
  Task<void> on_each(std::function<Task<void>()> make);

  // Runs `make` on a core and blocks the calling thread, which is no core's, until it has ended:
  // how main() and tests step onto the cores.
  template <class T>
  Result<T> run_blocking(unsigned core, std::function<Task<T>()> make);

  // Idempotent; from main(). Tells every spawned task to end, waits for them (5 s, then says which
  // ones it leaves behind) and joins the threads.
  void stop();

 private:
  Cores() = default;
  struct Thread;
  std::vector<std::unique_ptr<Core>> cores_;
  std::vector<std::unique_ptr<Thread>> threads_;
};

// Fails `timeout` with `site` when `task` has not finished at `deadline`; the task is told to end
// then (asio terminal cancellation, again every 10 ms) and waited for, so it may refer to the
// caller's frame. All waits of this room end when told so; a call that Offload is running is waited
// for. Costs no timer per call: a core has one queue of deadlines, and a task that finishes without
// suspending does not even enter it.
template <class T>
Task<T> with_deadline(Task<T> task, Deadline deadline, const char* site);

}  // namespace trellis::runtime

#include "runtime/cores_impl.h"
#include "runtime/with_deadline.h"
