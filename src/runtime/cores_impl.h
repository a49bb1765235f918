// Templates of Cores, declared and described in runtime/core.h; include that.
#pragma once

#include <future>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "runtime/core.h"
#include "runtime/launch.h"
#include "runtime/parking.h"
#include "runtime/task_group.h"

namespace trellis::runtime {
namespace detail {

// A task that runs on another core for a coroutine that waits here. Shared by what both cores still
// have to run for it.
template <class T>
struct RemoteCall : std::enable_shared_from_this<RemoteCall<T>> {
  RemoteCall(Core& home_core, Core& there_core, std::function<Task<T>()> work)
      : home(home_core), there(there_core), make(std::move(work)), finished(home_core) {}

  Core& home;
  Core& there;
  std::function<Task<T>()> make;
  std::optional<Result<T>> result;  // written there, read here after `finished`
  TaskGroup* group = nullptr;       // there, while the task runs
  Parking finished;                 // here
  bool done = false;                // here

  static Task<void> run(RemoteCall* call) {
    call->result.emplace(co_await contained(call->make(), "runtime.run_on"));
    co_return Result<void>{};
  }

  // There: the task in a group of its own, so that it can be told to end.
  static Task<void> serve(std::shared_ptr<RemoteCall> call) {
    TaskGroup group(call->there);
    call->group = &group;
    group.spawn("run_on", run(call.get()));
    co_await join_always(group);
    call->group = nullptr;
    Core& home = call->home;
    home.post([call = std::move(call)] {
      call->done = true;
      call->finished.wake();
    });
    co_return Result<void>{};
  }

  void start() {
    there.post([call = this->shared_from_this()] {
      Core& core = call->there;
      core.spawn("run_on", serve(call));
    });
  }
  void tell_to_end() {
    there.post([call = this->shared_from_this()] {
      if (call->group != nullptr) call->group->cancel();
    });
  }
};

}  // namespace detail

template <class T>
Task<T> Cores::run_on(unsigned core, std::function<Task<T>()> make) {
  Core& here = Core::current();
  Core& there = *cores_[core];
  if (&here == &there) co_return co_await make();
  auto call = std::make_shared<detail::RemoteCall<T>>(here, there, std::move(make));
  call->start();
  if (co_await call->finished.wait() == Wake::cancelled && !call->done) {
    call->tell_to_end();
    co_await call->finished.wait({}, Cancellable::no);
  }
  co_return std::move(*call->result);
}

template <class T>
Task<T> Cores::ask(unsigned core, std::function<Task<T>()> make, Deadline deadline,
                   const char* site) {
  Core& here = Core::current();
  auto call = std::make_shared<detail::RemoteCall<T>>(here, *cores_[core], std::move(make));
  call->start();
  const auto how = co_await call->finished.wait(deadline);
  if (call->done) co_return std::move(*call->result);
  call->tell_to_end();
  if (how == Wake::cancelled) co_return fail(Errc::cancelled, site, "no longer wanted");
  co_return fail(Errc::timeout, site, "core " + std::to_string(core) + " did not answer in time");
}

template <class T>
Result<T> Cores::run_blocking(unsigned core, std::function<Task<T>()> make) {
  if (threads_.empty())
    return fail(Errc::cancelled, "runtime.run_blocking", "the cores have stopped");
  auto promise = std::make_shared<std::promise<Result<T>>>();
  auto future = promise->get_future();
  struct Step {
    static Task<void> run(std::function<Task<T>()>* work,
                          std::shared_ptr<std::promise<Result<T>>> to) {
      to->set_value(co_await detail::contained((*work)(), "runtime.run_blocking"));
      co_return Result<void>{};
    }
  };
  Core& there = *cores_[core];
  there.post([&there, work = &make, to = std::move(promise)] {
    there.spawn("main", Step::run(work, to));
  });
  return future.get();
}

}  // namespace trellis::runtime
