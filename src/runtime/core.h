// A core: one thread, one event loop, and everything that lives on it. A request is accepted, served
// and answered on one core; cores share only immutable snapshots and post values to each other.
// Core 0 also runs the control plane (bus, lattice state, supervision).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "runtime/deadline.h"
#include "runtime/task.h"

namespace trellis::runtime {

class Core {
 public:
  unsigned index() const;
  asio::io_context& io();
  Executor executor();
  static Core& current();       // the core this thread runs; CHECK when there is none
  static Core* current_or_null();

  // From any thread: runs `work` on this core, soon, in order of posting per poster.
  void post(std::function<void()> work);

  // On this core: suspends until deadline.at, or fails `cancelled`.
  Task<void> sleep_until(Deadline deadline);

  // On this core: lets everything that is ready run first. Computing guests call it every tick: they wait in
  // a queue of their own from which one is resumed after each round of ready work, so they share what the
  // others leave and never delay them by more than one tick.
  asio::awaitable<void, Executor> yield_low_priority();

  // On this core: starts a coroutine nobody awaits. It is counted; Cores::stop() waits for it (bounded).
  // An error it returns is logged with `what`.
  void spawn(const char* what, Task<void> task);
};

// Fails `timeout` with `site` when `task` has not finished at `deadline`; the task is cancelled then
// (asio terminal cancellation) and given up at its next suspension point. Costs no timer per call: a core
// has one queue of deadlines.
template <class T>
Task<T> with_deadline(Task<T> task, Deadline deadline, const char* site);

class Cores {
 public:
  struct Options {
    unsigned count = 0;   // 0: one per hardware thread
    bool pin = true;
  };
  static Result<std::unique_ptr<Cores>> start(Options options);
  ~Cores();  // stops
  std::size_t size() const;
  Core& operator[](std::size_t index);
  // Runs `make` on the given core and resumes here (another core or the same) with its result.
  template <class T>
  Task<T> run_on(unsigned core, std::function<Task<T>()> make);
  // Runs `work` on every core and waits for all.
  Task<void> on_each(std::function<Task<void>()> make);
  void stop();  // idempotent; from main()
};

}  // namespace trellis::runtime
