#include "messaging/subscriber.h"

#include "base/log.h"
#include "capability/messaging_contract.h"

namespace trellis::messaging {
namespace {

using namespace std::chrono_literals;

constexpr auto kLookAgain = 50ms;  // whether the link is going, while no place is free

}  // namespace

Subscriber::Subscriber(runtime::Cores& cores, capability::Actors& actors, std::string actor_id,
                       std::chrono::milliseconds timeout)
    : cores_(cores), actors_(actors), actor_id_(std::move(actor_id)), timeout_(timeout) {}

void Subscriber::take(NatsMessage message) {
  while (!places_.try_acquire_for(kLookAgain)) {
    if (closing_) return;
  }
  ++under_way_;  // before the look at closing_: who waits for drained() has set it before
  if (closing_) {
    --under_way_;
    places_.release();
    return;
  }
  auto& core = cores_[next_core_++ % cores_.size()];
  core.post([self = shared_from_this(), message = std::move(message)] {
    runtime::Core::current().spawn("a message", deliver(self, message));
  });
}

runtime::Task<void> Subscriber::deliver(std::shared_ptr<Subscriber> self, NatsMessage message) {
  const char* reply = natsMsg_GetReply(message.get());
  const auto* data = reinterpret_cast<const std::uint8_t*>(natsMsg_GetData(message.get()));
  const auto size = static_cast<std::size_t>(natsMsg_GetDataLength(message.get()));
  const Bytes payload = capability::encode_message(natsMsg_GetSubject(message.get()),
                                                   reply == nullptr ? "" : reply, {data, size});
  const std::string subject = natsMsg_GetSubject(message.get());
  message.reset();
  const auto handled = co_await self->actors_.call(self->actor_id_, capability::kHandleMessage,
                                                   payload, runtime::Deadline::in(self->timeout_));
  if (!handled && handled.error().code != Errc::exhausted) {  // shed load is not worth a line each
    LOG(warn, "messaging: a message on '{}' was not handled by actor {}: {}", subject,
        self->actor_id_, handled.error().describe());
  }
  --self->under_way_;
  self->places_.release();
  co_return Result<void>{};
}

}  // namespace trellis::messaging
