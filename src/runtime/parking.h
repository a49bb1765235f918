// A place where one coroutine waits until it is woken, a deadline passes or it is cancelled;
// whichever comes first wins and the others are void until the next wait. Everything that waits in
// this room is made of it. Lives in the frame of the coroutine that waits; belongs to one core; not
// thread-safe; used for one wait at a time.
#pragma once

#include <cstddef>
#include <new>
#include <optional>
#include <utility>

#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/post.hpp>

#include "runtime/deadline.h"
#include "runtime/deadline_queue.h"
#include "runtime/task.h"

namespace trellis::runtime {

class Core;

enum class Wake { woken, expired, cancelled };
enum class Cancellable : bool { no, yes };

class Parking final : private DeadlineQueue::Entry {
 public:
  explicit Parking(Core& core);
  ~Parking();

  // Waits. Wake-ups before this call count.
  auto wait(std::optional<Deadline> deadline = {}, Cancellable cancellable = Cancellable::yes) {
    return asio::async_initiate<const asio::deferred_t, void(Wake)>(
        [this, deadline, cancellable](auto handler) {
          begin(std::move(handler), deadline, cancellable);
        },
        asio::deferred);
  }

  // Resumes the waiter soon, from the core's loop. False when something else has ended the wait;
  // the wake-up then counts for the next one.
  bool wake() { return finish(Wake::woken); }

 private:
  void due() override { finish(Wake::expired); }
  bool finish(Wake how);

  template <class Handler>
  void begin(Handler handler, std::optional<Deadline> deadline, Cancellable cancellable) {
    static_assert(sizeof(Handler) <= sizeof(waiter_) && alignof(Handler) <= alignof(void*));
    if (cancellable == Cancellable::yes) {
      auto slot = asio::get_associated_cancellation_slot(handler);
      if (slot.is_connected())
        slot.assign([this](asio::cancellation_type_t) { finish(Wake::cancelled); });
    }
    new (waiter_) Handler(std::move(handler));
    resume_ = [](Parking& self, bool run) {
      auto* kept = std::launder(reinterpret_cast<Handler*>(self.waiter_));
      Handler taken = std::move(*kept);
      kept->~Handler();
      if (!run) return;
      asio::post(self.io_,
                 [taken = std::move(taken), how = *self.how_]() mutable { std::move(taken)(how); });
    };
    if (delivered_) {
      how_ = std::exchange(woken_late_, false) ? std::optional(Wake::woken) : std::nullopt;
      delivered_ = false;
    }
    if (how_)
      deliver();
    else if (deadline)
      deadlines_.enter(*this, deadline->at);
  }
  void deliver();

  asio::io_context& io_;
  DeadlineQueue& deadlines_;
  std::optional<Wake> how_;
  bool delivered_ = false;   // the waiter was told how_; the next wait starts anew
  bool woken_late_ = false;  // woken after that, before the next wait
  void (*resume_)(Parking&, bool run) = nullptr;  // set while a coroutine waits here
  alignas(void*) std::byte waiter_[48];
};

}  // namespace trellis::runtime
