// Requests to JetStream, the part of a NATS server that keeps messages: the few that the shared
// lattice state (jetstream_state.h) and the store of large messages (chunk_store.h) make. Needs
// nothing but a Bus, which outlives it; core 0. Every request ends within `timeout`.
// docs/protocol.md §3.6, §8.1.
//
// Errors: unavailable (not connected; no JetStream on this server or in this domain; no stream
// takes the subject), denied (the account has no JetStream), timeout (no answer: also what a server
// does with a request it does not permit), not_found (no such stream, consumer or message), invalid
// (the server refuses the request as it is), exhausted (no room left), corrupt (an answer that is
// none).
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <boost/json/object.hpp>

#include "lattice/bus.h"

namespace trellis::lattice {

struct StreamInfo {
  std::string created;  // a time; a stream that was lost and made again has another
  std::uint64_t messages = 0;
  std::uint64_t last_sequence = 0;
};

struct ConsumerInfo {
  std::string name;           // that the server gave it
  std::uint64_t pending = 0;  // messages it will deliver, as far as known when it was made
};

struct StoredMessage {
  std::uint64_t sequence = 0;
  Headers headers;
  Bytes data;
};

class JetStream {
 public:
  struct Options {
    std::string domain{};  // "" for the server's own
    std::chrono::milliseconds timeout{5'000};
  };
  JetStream(Bus& bus, Options options) : bus_(bus), options_(std::move(options)) {}

  // Makes the stream that `config` describes unless one of its name is there, with whatever
  // configuration.
  runtime::Task<StreamInfo> ensure_stream(boost::json::object config) const;
  runtime::Task<StreamInfo> stream_info(std::string stream) const;
  // An ephemeral consumer; `config` has its deliver_subject, to which one has subscribed before.
  // `name` is told to the server, which may choose another.
  runtime::Task<ConsumerInfo> create_consumer(std::string stream, boost::json::object config,
                                              std::string name = {}) const;
  // Tells the server that the consumer is of no more use; it would notice in seconds by itself.
  void drop_consumer(const std::string& stream, const std::string& consumer) const;
  runtime::Task<StoredMessage> last_message(std::string stream, std::string subject) const;
  runtime::Task<void> purge(std::string stream, std::string subject) const;

  // Ends when the stream has the message: its sequence there.
  runtime::Task<std::uint64_t> publish(Message message) const;

  Bus& bus() const { return bus_; }
  std::chrono::milliseconds timeout() const { return options_.timeout; }

 private:
  std::string api(std::string_view request, std::string_view name) const;
  // The answer as it is, which may be a refusal.
  runtime::Task<boost::json::object> ask(std::string subject, std::string body) const;
  runtime::Task<boost::json::object> call(std::string_view request, std::string name,
                                          boost::json::object body) const;

  Bus& bus_;
  const Options options_;
};

// What the reply subject of a delivered message says.
struct Delivery {
  std::uint64_t stream_sequence = 0;
  std::uint64_t consumer_sequence = 0;
  std::uint64_t pending = 0;  // messages of the consumer behind this one
};
std::optional<Delivery> parse_delivery(std::string_view reply);

// The answer to a published message.
Result<std::uint64_t> parse_publish_ack(const Message& answer, std::string_view subject);

// A consumer's sign of life, and its question whether to go on, come as messages without data.
bool is_control(const Message& message);
// Answers that question if it is one.
void answer_control(Bus& bus, const Message& message);

std::optional<std::string_view> header(const Message& message, std::string_view name);

}  // namespace trellis::lattice
