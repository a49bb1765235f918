#include "messaging/replies.h"

#include <fmt/format.h>

#include <charconv>

#include "base/limits.h"

namespace trellis::messaging {

NatsClient::Replies::Replies(runtime::Cores& cores, std::string inbox)
    : cores_(cores), inbox_(std::move(inbox)), per_core_(cores.size()) {}

bool NatsClient::Replies::full_here() const {
  const auto& here = per_core_[runtime::Core::current().index()];
  return here.waiting.size() >= limits::kMessagingQueuedMax;
}

NatsClient::Replies::Place::Place(Replies& replies)
    : replies_(replies),
      core_(runtime::Core::current().index()),
      number_(replies.per_core_[core_].next++),
      answered_(runtime::Core::current()) {
  replies_.per_core_[core_].waiting.emplace(number_, this);
}
NatsClient::Replies::Place::~Place() { replies_.per_core_[core_].waiting.erase(number_); }

std::string NatsClient::Replies::Place::subject() const {
  return fmt::format("{}.{}-{}", replies_.inbox_, core_, number_);
}

runtime::Task<NatsMessage> NatsClient::Replies::Place::wait(runtime::Deadline deadline) {
  const auto how = co_await answered_.wait(deadline);
  if (answer_) co_return std::move(answer_);
  if (how == runtime::Wake::cancelled)
    co_return fail(Errc::cancelled, "messaging.request", "no longer wanted");
  co_return fail(Errc::timeout, "messaging.request", "timeout: nats request timed out");
}

// "<inbox>.<core>-<number>"; what is not of that form answers nothing.
void NatsClient::Replies::take(NatsMessage message) {
  const std::string_view subject = natsMsg_GetSubject(message.get());
  if (subject.size() <= inbox_.size()) return;
  const auto token = subject.substr(inbox_.size() + 1);
  const auto dash = token.find('-');
  if (dash == std::string_view::npos) return;
  unsigned core = 0;
  std::uint64_t number = 0;
  std::from_chars(token.data(), token.data() + dash, core);
  std::from_chars(token.data() + dash + 1, token.data() + token.size(), number);
  if (core >= per_core_.size()) return;
  cores_[core].post([self = shared_from_this(), number, message = std::move(message)] {
    self->deliver(number, message);
  });
}

void NatsClient::Replies::deliver(std::uint64_t number, NatsMessage message) {
  auto& waiting = per_core_[runtime::Core::current().index()].waiting;
  const auto found = waiting.find(number);
  if (found == waiting.end()) return;  // it gave up
  found->second->answer_ = std::move(message);
  found->second->answered_.wake();
}

}  // namespace trellis::messaging
