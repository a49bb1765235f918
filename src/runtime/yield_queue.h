// Coroutines of one core that gave way to everything that is ready, in order. Used by Core::run().
#pragma once

#include <cstddef>
#include <deque>
#include <new>
#include <utility>

#include <boost/asio/post.hpp>

#include "runtime/task.h"

namespace trellis::runtime {

// One coroutine that has yielded; lies in its frame.
class Yielded {
 public:
  template <class Handler>
  void keep(Handler handler) {
    static_assert(sizeof(Handler) <= sizeof(handler_) && alignof(Handler) <= alignof(void*));
    new (handler_) Handler(std::move(handler));
    resume_ = [](Yielded& self, asio::io_context& io) {
      auto* kept = std::launder(reinterpret_cast<Handler*>(self.handler_));
      Handler taken = std::move(*kept);
      kept->~Handler();
      asio::post(io, std::move(taken));
    };
  }
  void resume(asio::io_context& io) { resume_(*this, io); }

 private:
  void (*resume_)(Yielded&, asio::io_context&) = nullptr;
  alignas(void*) std::byte handler_[48];
};

class YieldQueue {
 public:
  bool empty() const { return waiting_.empty(); }
  void push(Yielded& yielded) { waiting_.push_back(&yielded); }
  Yielded& pop() {
    Yielded* first = waiting_.front();
    waiting_.pop_front();
    return *first;
  }

 private:
  std::deque<Yielded*> waiting_;  // bounded by the coroutines of the core
};

}  // namespace trellis::runtime
