#include "runtime/admission.h"

#include "base/check.h"
#include "runtime/core.h"

namespace trellis::runtime {

Admission::~Admission() { CHECK(waiting_.empty()); }

// The place goes to the first in the queue that still wants it; running_ stays as it is then.
void Admission::leave() {
  while (!waiting_.empty()) {
    Waiter& first = waiting_.front();
    waiting_.pop_front();
    if (first.parking.wake()) return;
  }
  --running_;
}

Task<Admission::Ticket> Admission::enter(Deadline deadline) {
  if (auto ticket = try_enter()) co_return std::move(*ticket);
  if (waiting_.size() >= max_queued_)
    co_return fail(Errc::exhausted, "runtime.admission", "too many requests are waiting already");
  Waiter waiter(Core::current());
  waiting_.push_back(waiter);
  const Wake how = co_await waiter.parking.wait(deadline);
  if (how == Wake::woken) co_return Ticket(this);
  if (waiter.is_linked()) waiting_.erase(waiting_.iterator_to(waiter));
  if (how == Wake::expired)
    co_return fail(Errc::timeout, "runtime.admission", "no place became free before the deadline");
  co_return fail(Errc::cancelled, "runtime.admission", "no longer wanted");
}

}  // namespace trellis::runtime
