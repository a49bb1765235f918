// Coroutines nobody awaits one by one, but somebody answers for: every task started in a group is
// counted, can be told to end, and is waited for. Owned by who starts them; belongs to one core;
// not thread-safe. Must be empty when destroyed.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <boost/asio/cancellation_signal.hpp>
#include <boost/intrusive/list.hpp>

#include "runtime/deadline_queue.h"
#include "runtime/task.h"

namespace trellis::runtime {

class Core;
class Parking;

class TaskGroup final : private DeadlineQueue::Entry {
 public:
  explicit TaskGroup(Core& core);
  ~TaskGroup();

  // Runs the task up to its first wait before it returns. An error the task ends with is logged
  // with `what` (cancelled ones are not). After cancel() new tasks are told to end at once.
  void spawn(const char* what, Task<void> task);

  // Tells all tasks to end, and again every 10 ms until they have.
  void cancel();

  // Waits until no task is left: `timeout` with the names of those that are, at the deadline.
  Task<void> join(Deadline deadline);

  // Forgets tasks that did not end in time; only when their loop never runs again.
  void abandon();

  std::size_t size() const { return members_.size(); }
  std::string names() const;  // of the tasks that run, for a log line

 private:
  struct Member : boost::intrusive::list_base_hook<> {
    const char* what;
    asio::cancellation_signal signal;
    TaskGroup* group;
    ~Member();
  };
  using Members = boost::intrusive::list<Member>;

  asio::awaitable<asio::detail::awaitable_thread_entry_point, Executor> run(
      std::unique_ptr<Member> member, Task<void> task);
  void due() override;
  void emit();
  void left();

  Core& core_;
  Members members_;
  std::vector<Parking*> joiners_;
  bool cancelled_ = false;
};

namespace detail {
// Waits until the group is empty, whatever happens: for groups whose tasks refer to the waiting
// frame. When the waiting coroutine is told to end it tells the group, and still waits.
asio::awaitable<void, Executor> join_always(TaskGroup& group);
}  // namespace detail

}  // namespace trellis::runtime
