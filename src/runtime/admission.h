// How many may be inside at once, and how many may wait for it, in order of arrival. Belongs to one
// core; not thread-safe; outlives its tickets. Below the limit entering costs no allocation beyond
// the coroutine's recycled frame and never suspends; beyond the queue it fails `exhausted` at once.
#pragma once

#include <cstddef>
#include <optional>
#include <utility>

#include <boost/intrusive/list.hpp>

#include "runtime/deadline.h"
#include "runtime/parking.h"
#include "runtime/task.h"

namespace trellis::runtime {

class Admission {
 public:
  // A place inside; given back when destroyed.
  class Ticket {
   public:
    Ticket(Ticket&& other) noexcept : from_(std::exchange(other.from_, nullptr)) {}
    Ticket& operator=(Ticket&& other) noexcept {
      std::swap(from_, other.from_);
      return *this;
    }
    ~Ticket() {
      if (from_ != nullptr) from_->leave();
    }

   private:
    friend class Admission;
    explicit Ticket(Admission* from) : from_(from) {}
    Admission* from_;
  };

  Admission(std::size_t max_running, std::size_t max_queued)
      : max_running_(max_running), max_queued_(max_queued) {}
  ~Admission();
  Admission(const Admission&) = delete;
  Admission& operator=(const Admission&) = delete;

  std::optional<Ticket> try_enter() {
    if (running_ >= max_running_) return std::nullopt;
    ++running_;
    return Ticket(this);
  }

  // Fails `exhausted` when the queue is full, `timeout` at the deadline, `cancelled`.
  Task<Ticket> enter(Deadline deadline);

  std::size_t running() const { return running_; }
  std::size_t queued() const { return waiting_.size(); }

 private:
  struct Waiter : boost::intrusive::list_base_hook<> {
    explicit Waiter(Core& core) : parking(core) {}
    Parking parking;
  };
  void leave();

  const std::size_t max_running_, max_queued_;
  std::size_t running_ = 0;
  boost::intrusive::list<Waiter> waiting_;
};

}  // namespace trellis::runtime
