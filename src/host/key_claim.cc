#include "host/key_claim.h"

#include <chrono>

namespace trellis::host {
namespace {

using namespace std::chrono_literals;

constexpr auto kOthersAnswerWithin = 300ms;
constexpr std::string_view kHeld = "~";  // a lot above all that are drawn

}  // namespace

// Of two that start at once each may or may not hear the other's question, for it may come before
// the subscription; but one of them hears the other, and tells it with its answer.
runtime::Task<bool> KeyClaim::make() {
  CO_TRY(subscription_, bus_.subscribe(subject_, "", [this](const lattice::Message& message) {
    const auto theirs = as_text(message.data);
    if (theirs == lot_) return;  // our own question
    if (theirs > lot_) lost_ = true;
    if (!message.reply.empty())
      (void)bus_.publish(
          {.subject = message.reply, .reply = {}, .headers = {}, .data = to_bytes(lot_)});
  }));
  CO_TRY(const auto answers, co_await bus_.collect({subject_, "", {}, to_bytes(lot_)},
                                                   runtime::Deadline::in(kOthersAnswerWithin)));
  for (const auto& answer : answers) lost_ = lost_ || as_text(answer.data) > lot_;
  if (lost_) {
    subscription_.reset();
  } else {
    lot_ = kHeld;
  }
  co_return !lost_;
}

}  // namespace trellis::host
