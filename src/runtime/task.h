// Task<T>: what a coroutine that waits returns. It runs on the core it was started on and never
// leaves it. co_await gives a Result<T>; exceptions of ours do not exist, those of libraries stop
// at net/.
//
// Cancellation: a task is asked to end by asio's terminal cancellation of the operation it waits
// for; that operation then fails with operation_aborted, which our code returns as Errc::cancelled.
// Nothing is thrown and nothing is destroyed from outside: a task ends by returning, so its frame's
// references stay good until then, and a task that waits again after it was asked is asked again
// (~10 ms).
#pragma once

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/io_context.hpp>

#include "base/result.h"

namespace trellis::runtime {

namespace asio = boost::asio;

using Executor = asio::io_context::executor_type;

template <class T>
using Task = asio::awaitable<Result<T>, Executor>;

// How an asio operation is awaited here: auto [ec, n] = co_await socket.async_read_some(buf,
// kAwait);
inline constexpr auto kAwait = asio::as_tuple(asio::deferred);

// An asio error as one of ours; operation_aborted is `cancelled`. `what` says what was being done:
// "cannot read from 127.0.0.1:4222", and becomes "<what>: <reason>".
Error error_from(const boost::system::error_code& ec, const char* site, std::string what);

}  // namespace trellis::runtime
