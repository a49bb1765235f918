// Starts a coroutine as a flow of its own, here and now, on the running core: it runs to its first
// suspension before launch() returns, and what ends without suspending costs no trip through the
// loop (asio::co_spawn always makes one). Used by this room only; others use Core::spawn and
// TaskGroup.
//
// Built on asio's own awaitable_thread, as co_spawn is, whose names Boost 1.81 keeps in detail.
#pragma once

#include <exception>
#include <utility>

#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "runtime/task.h"

namespace trellis::runtime::detail {

using Flow = asio::awaitable<asio::detail::awaitable_thread_entry_point, Executor>;

// `flow` ends by itself or when `slot`'s signal asks it to; its exceptions must not leave it.
inline void launch(Executor executor, asio::cancellation_slot slot, Flow flow) {
  asio::detail::awaitable_thread<Executor>(std::move(flow), executor, slot,
                                           asio::cancellation_state(slot))
      .launch();
}

// Awaits `task`; an exception that a library let through becomes an `internal` error, so that it
// ends one task and not the process.
template <class T>
Task<T> contained(Task<T> task, const char* site) {
  try {
    co_return co_await std::move(task);
  } catch (const std::exception& e) {
    co_return fail(Errc::internal, site, std::string("unexpected exception: ") + e.what());
  }
}

}  // namespace trellis::runtime::detail
