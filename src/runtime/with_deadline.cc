#include "runtime/with_deadline.h"

namespace trellis::runtime::detail {
namespace {

constexpr auto kTellAgainAfter = std::chrono::milliseconds(10);

}  // namespace

asio::awaitable<void, Executor> ChildTask::wait() {
  if ((co_await asio::this_coro::cancellation_state).cancelled() != asio::cancellation_type::none ||
      co_await finished_.wait() == Wake::cancelled) {
    caller_cancelled_ = true;
    tell_to_end();
    if (!done_) co_await finished_.wait({}, Cancellable::no);
  }
}

void ChildTask::due() {
  if (!caller_cancelled_) timed_out_ = true;
  tell_to_end();
}

// Once is not enough: a task that was between two waits, or goes on after an error, waits again.
void ChildTask::tell_to_end() {
  core_.deadlines().leave(*this);
  signal_.emit(asio::cancellation_type::terminal);
  if (!done_) core_.deadlines().enter(*this, Deadline::in(kTellAgainAfter).at);
}

}  // namespace trellis::runtime::detail
