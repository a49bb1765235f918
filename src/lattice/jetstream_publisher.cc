#include "lattice/jetstream_publisher.h"

#include <fmt/format.h>

#include <deque>
#include <optional>
#include <utility>

#include "claims/jwt.h"
#include "runtime/parking.h"

namespace trellis::lattice {

namespace {
constexpr const char* kSite = "lattice.jetstream.publish";
}

// Shared with the subscription they come by.
struct JetStreamPublisher::Answers {
  struct Sent {
    std::string subject;
    std::size_t bytes;
  };
  std::string inbox;
  Refusals refusals;
  std::deque<Sent> unanswered;  // one connection, one stream: answers come in order
  std::size_t bytes = 0;        // of those
  std::optional<Error> error;
  runtime::Parking* waiting = nullptr;
  Subscription subscription;

  void take(const Message& answer) {
    if (unanswered.empty()) return;
    const auto ack = parse_publish_ack(answer, unanswered.front().subject);
    bytes -= unanswered.front().bytes;
    unanswered.pop_front();
    const bool passes = ack || (refusals == Refusals::pass && ack.error().code == Errc::invalid);
    if (!passes && !error) error = ack.error();
    if (waiting) waiting->wake();
  }
};

Result<std::unique_ptr<JetStreamPublisher>> JetStreamPublisher::open(const JetStream& jetstream,
                                                                     Refusals refusals) {
  auto answers = std::make_shared<Answers>();
  answers->inbox = "_INBOX." + claims::new_jti();
  answers->refusals = refusals;
  auto take = [weak = std::weak_ptr(answers)](const Message& answer) {
    if (const auto strong = weak.lock()) strong->take(answer);
  };
  TRY(answers->subscription, jetstream.bus().subscribe(answers->inbox, "", std::move(take)));
  return std::unique_ptr<JetStreamPublisher>(new JetStreamPublisher(jetstream, std::move(answers)));
}

runtime::Task<void> JetStreamPublisher::publish(Message message) {
  CO_TRY_OK(co_await wait_for_room(kUnansweredBytesMax));
  if (answers_->error) co_return fail(*answers_->error);
  Answers::Sent sent{message.subject, message.data.size() + 1};
  message.reply = answers_->inbox;
  CO_TRY_OK(bus_.publish(std::move(message)));
  answers_->bytes += sent.bytes;
  answers_->unanswered.push_back(std::move(sent));
  co_return Result<void>();
}

runtime::Task<void> JetStreamPublisher::wait_for_room(std::size_t unanswered_max) {
  while (answers_->bytes > unanswered_max) {
    runtime::Parking parking(runtime::Core::current());
    answers_->waiting = &parking;
    const auto wake = co_await parking.wait(runtime::Deadline::in(timeout_));
    answers_->waiting = nullptr;
    if (wake == runtime::Wake::cancelled)
      co_return fail(Errc::cancelled, kSite, "no longer wanted");
    if (wake == runtime::Wake::expired)
      co_return fail(
          Errc::timeout, kSite,
          fmt::format("JetStream did not say within {} ms that it has the message for {}",
                      timeout_.count(), answers_->unanswered.front().subject));
  }
  co_return Result<void>();
}

runtime::Task<void> JetStreamPublisher::finish() {
  CO_TRY_OK(co_await settle());
  if (answers_->error) co_return fail(*answers_->error);
  co_return Result<void>();
}

}  // namespace trellis::lattice
