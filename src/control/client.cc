#include "control/client.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "codec/json.h"
#include "control/connection.h"

namespace trellis::control {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::size_t kRepliesMax = 10'000;

std::string_view body_of(natsMsg* message) {
  return {natsMsg_GetData(message), static_cast<std::size_t>(natsMsg_GetDataLength(message))};
}

milliseconds left_until(Clock::time_point deadline) {
  auto left = std::chrono::duration_cast<milliseconds>(deadline - Clock::now());
  return std::max(left, milliseconds(0));
}

// NATS_TIMEOUT at the deadline, without a wait of 0 which libnats takes for "for ever".
natsStatus next_message(natsSubscription* from, milliseconds timeout, MessageHandle& into) {
  natsMsg* message = nullptr;
  natsStatus status =
      natsSubscription_NextMsg(&message, from, std::max<std::int64_t>(1, timeout.count()));
  into.reset(message);
  return status;
}

Result<SubscriptionHandle> subscribe(natsConnection* connection, const std::string& subject) {
  natsSubscription* made = nullptr;
  natsStatus status = natsConnection_SubscribeSync(&made, connection, subject.c_str());
  if (status != NATS_OK) return fail(nats_error(status));
  return SubscriptionHandle(made);
}

bool data_equals(const codec::CloudEvent& event, std::string_view key, std::string_view value) {
  const boost::json::value* member = event.data.if_contains(key);
  return member != nullptr && member->is_string() &&
         std::string_view(member->get_string()) == value;
}

}  // namespace

struct EventWatch::State {
  SubscriptionHandle subscription;
};

EventWatch::EventWatch(std::unique_ptr<State> state) : state_(std::move(state)) {}
EventWatch::EventWatch(EventWatch&&) noexcept = default;
EventWatch& EventWatch::operator=(EventWatch&&) noexcept = default;
EventWatch::~EventWatch() = default;

Result<codec::CloudEvent> EventWatch::wait_for(const Match& match, milliseconds timeout) {
  Clock::time_point deadline = Clock::now() + timeout;
  while (true) {
    MessageHandle message;
    natsStatus status = next_message(state_->subscription.get(), left_until(deadline), message);
    if (status != NATS_OK) return fail(nats_error(status));
    Result<codec::CloudEvent> event = codec::parse_cloud_event(body_of(message.get()));
    if (event && match(*event)) return event;
  }
}

Result<void> wait_for_outcome(EventWatch& events, const Outcome& outcome, milliseconds timeout) {
  const std::string success = "com.wasmcloud.lattice." + outcome.success;
  const std::string failure = "com.wasmcloud.lattice." + outcome.failure;
  auto applies = [&](const codec::CloudEvent& event) {
    if (event.source != outcome.source) return false;
    if (event.type == success) return data_equals(event, outcome.success_key, outcome.value);
    return event.type == failure && data_equals(event, outcome.failure_key, outcome.value);
  };
  Result<codec::CloudEvent> event = events.wait_for(applies, timeout);
  if (!event && event.error().code == Errc::timeout)
    return fail(Errc::timeout, "control.event",
                "Timed out waiting for applicable event, operation may have failed");
  if (!event) return fail(event.error());
  if (event->type == success) return {};
  Result<std::optional<std::string>> error = codec::json_string(event->data, "error");
  return fail(Errc::denied, "control.event",
              error && *error ? **error : fmt::format("The host reports {}", outcome.failure));
}

struct Client::State {
  ConnectOptions options;
  ConnectionHandle connection;
};

Client::Client(std::unique_ptr<State> state) : state_(std::move(state)) {}
Client::Client(Client&&) noexcept = default;
Client& Client::operator=(Client&&) noexcept = default;
Client::~Client() = default;

Result<Client> Client::connect(const ConnectOptions& options) {
  TRY(ConnectionHandle connection, open_connection(options));
  return Client(std::make_unique<State>(State{options, std::move(connection)}));
}

const ConnectOptions& Client::options() const { return state_->options; }

std::string Client::subject(std::string_view tail) const {
  return fmt::format("{}.{}.{}", state_->options.topic_prefix, state_->options.lattice_prefix,
                     tail);
}

Result<Bytes> Client::request(const std::string& to, BytesView body, milliseconds timeout) {
  natsMsg* reply = nullptr;
  natsStatus status =
      natsConnection_Request(&reply, state_->connection.get(), to.c_str(), body.data(),
                             static_cast<int>(body.size()), timeout.count());
  MessageHandle message(reply);
  if (status != NATS_OK) return fail(nats_error(status));
  return to_bytes(body_of(reply));
}

Result<std::vector<std::string>> Client::collect(const std::string& to, std::string_view body,
                                                 milliseconds window, milliseconds quiet,
                                                 std::size_t enough) {
  natsInbox* made = nullptr;
  if (natsStatus status = natsInbox_Create(&made); status != NATS_OK)
    return fail(nats_error(status));
  InboxHandle inbox(made);
  TRY(SubscriptionHandle replies, subscribe(state_->connection.get(), made));
  natsStatus sent = natsConnection_PublishRequest(state_->connection.get(), to.c_str(), made,
                                                  body.data(), static_cast<int>(body.size()));
  if (sent != NATS_OK) return fail(nats_error(sent));
  Clock::time_point deadline = Clock::now() + window;
  std::vector<std::string> bodies;
  while (bodies.size() < std::min(enough, kRepliesMax)) {
    milliseconds wait = left_until(deadline);
    if (!bodies.empty()) wait = std::min(wait, quiet);
    MessageHandle message;
    natsStatus status = next_message(replies.get(), wait, message);
    if (status == NATS_TIMEOUT || status == NATS_NO_RESPONDERS) break;
    if (status != NATS_OK) return fail(nats_error(status));
    if (natsMsg_IsNoResponders(message.get())) break;
    bodies.emplace_back(body_of(message.get()));
  }
  return bodies;
}

Result<EventWatch> Client::watch_events() {
  std::string events = fmt::format("wasmbus.evt.{}", state_->options.lattice_prefix);
  TRY(SubscriptionHandle subscription, subscribe(state_->connection.get(), events));
  // The server has it before anything that is sent afterwards.
  natsStatus status =
      natsConnection_FlushTimeout(state_->connection.get(), state_->options.timeout.count());
  if (status != NATS_OK) return fail(nats_error(status));
  return EventWatch(
      std::make_unique<EventWatch::State>(EventWatch::State{std::move(subscription)}));
}

Result<std::string> Client::ask(const std::string& tail, std::string_view body,
                                milliseconds timeout) {
  TRY(Bytes reply, request(subject(tail), as_bytes(body), timeout));
  return std::string(as_text(reply));
}

}  // namespace trellis::control
