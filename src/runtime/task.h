// Task<T>: what a coroutine that waits returns. It runs on the core it was started on and never leaves
// it. co_await gives a Result<T>; exceptions of ours do not exist, those of libraries stop at net/.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>

#include "base/result.h"

namespace trellis::runtime {

namespace asio = boost::asio;

using Executor = asio::io_context::executor_type;

template <class T>
using Task = asio::awaitable<Result<T>, Executor>;

}  // namespace trellis::runtime
