// with_deadline(), declared and described in runtime/core.h; include that.
#pragma once

#include <optional>

#include <boost/asio/cancellation_signal.hpp>

#include "runtime/core.h"
#include "runtime/deadline_queue.h"
#include "runtime/launch.h"
#include "runtime/parking.h"

namespace trellis::runtime {
namespace detail {

// A task that runs beside the coroutine that waits for it, in whose frame this lies.
class ChildTask final : private DeadlineQueue::Entry {
 public:
  explicit ChildTask(Core& core) : core_(core), finished_(core) {}
  ~ChildTask() { core_.deadlines().leave(*this); }

  asio::cancellation_slot slot() { return signal_.slot(); }
  void set_deadline(Deadline deadline) { core_.deadlines().enter(*this, deadline.at); }
  bool timed_out() const { return timed_out_; }
  // By the task, as the last thing it does.
  void set_finished() {
    done_ = true;
    core_.deadlines().leave(*this);
    finished_.wake();
  }
  bool done() const { return done_; }
  // Until the task has finished; a caller that is cancelled passes it on and still waits.
  asio::awaitable<void, Executor> wait();

 private:
  void due() override;
  void tell_to_end();

  Core& core_;
  asio::cancellation_signal signal_;
  Parking finished_;
  bool done_ = false;
  bool timed_out_ = false;
  bool caller_cancelled_ = false;
};

template <class T>
Flow run_child(ChildTask& child, std::optional<Result<T>>& result, Task<T> task, const char* site) {
  co_await asio::this_coro::throw_if_cancelled(false);
  try {
    result.emplace(co_await std::move(task));
  } catch (const std::exception& e) {
    result.emplace(fail(Errc::internal, site, std::string("unexpected exception: ") + e.what()));
  }
  child.set_finished();
}

}  // namespace detail

template <class T>
Task<T> with_deadline(Task<T> task, Deadline deadline, const char* site) {
  Core& core = Core::current();
  detail::ChildTask child(core);
  std::optional<Result<T>> result;
  detail::launch(core.executor(), child.slot(),
                 detail::run_child<T>(child, result, std::move(task), site));
  if (!child.done()) {
    child.set_deadline(deadline);
    co_await child.wait();
  }
  if (child.timed_out())
    co_return fail(Errc::timeout, site, "gave up: the deadline passed before it was done");
  co_return std::move(*result);
}

}  // namespace trellis::runtime
