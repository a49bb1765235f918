#include "lattice/broadcast_state.h"

#include <fmt/format.h>

#include <chrono>
#include <utility>

#include "base/log.h"
#include "claims/jwt.h"
#include "lattice/jetstream.h"

namespace trellis::lattice {

namespace {
constexpr std::string_view kHostHeader = "Trellis-Host";
}

BroadcastState::BroadcastState(Bus& bus, Subjects subjects, Observer observer, Error why)
    : JournalState(std::move(observer)),
      bus_(bus),
      subjects_(std::move(subjects)),
      why_(std::move(why)),
      self_(claims::new_jti()),
      tasks_(runtime::Core::current()) {}

Result<void> BroadcastState::open(std::string file) {
  TRY_OK(open_file(std::move(file)));
  TRY(subscription_,
      bus_.subscribe(subjects_.cache(">"), "", [this](const Message& message) { hear(message); }));
  return {};
}

runtime::Task<void> BroadcastState::stop() {
  subscription_.reset();
  co_return co_await tasks_.join(runtime::Deadline::in(std::chrono::seconds(10)));
}

std::string BroadcastState::describe() const {
  return fmt::format(
      "{}, not in JetStream: {}. Hosts that run tell each other of changes; but links, claims and "
      "references that were put while a host was away are not known to it, and the server keeps "
      "nothing. When there is JetStream, start the hosts again",
      JournalState::describe(), why_.detail);
}

void BroadcastState::made_here(const StateRecord& record) {
  auto message = to_message(record, subjects_);
  message.headers = {{std::string(kHostHeader), self_}};
  if (auto told = bus_.publish(std::move(message)); !told)
    LOG(warn, "Other hosts do not learn of {}: {}", key_of(record), told.error().describe());
}

void BroadcastState::hear(const Message& message) {
  if (header(message, kHostHeader) == self_) return;
  auto heard = from_message(message, subjects_);
  if (heard) {
    tasks_.spawn("lattice state: take over", take_over(std::move(heard->record)));
  } else {
    LOG(warn, "What was said on {} is not understood: {}", message.subject,
        heard.error().describe());
  }
}

runtime::Task<void> BroadcastState::take_over(StateRecord record) {
  CO_TRY_OK(co_await change(std::move(record), Origin::elsewhere));
  co_return Result<void>();
}

}  // namespace trellis::lattice
