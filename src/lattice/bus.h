// The bus that carries everything between parts of a lattice: publish, subscribe with queue groups,
// request. Two implementations pass one conformance suite (bus_conformance.h): the embedded one, in
// this process, and NATS. Lives on core 0; not thread-safe. Subjects and their meaning:
// lattice/subjects.h.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "runtime/core.h"

namespace trellis::lattice {

// Header lines of a message, in order. Names compare without case.
using Headers = std::vector<std::pair<std::string, std::string>>;

struct Message {
  std::string subject;
  std::string reply;  // "" when no answer is wanted
  Headers headers;
  Bytes data;
};

// Whether a request failed for want of anybody who listens, and not because the bus is away.
bool is_no_responders(const Error& error);

// What every bus asks of a message before it takes it. Error: invalid.
Result<void> check_message(const Message& message, std::size_t payload_bytes_max);

// A subscription; unsubscribes when it goes. Movable.
class Subscription {
 public:
  Subscription() = default;
  explicit Subscription(std::function<void()> cancel, std::function<void()> leave = nullptr)
      : cancel_(std::move(cancel)), leave_(std::move(leave)) {}
  Subscription(Subscription&& other) noexcept
      : cancel_(std::exchange(other.cancel_, nullptr)),
        leave_(std::exchange(other.leave_, nullptr)) {}
  Subscription& operator=(Subscription&& other) noexcept {
    reset();
    cancel_ = std::exchange(other.cancel_, nullptr);
    leave_ = std::exchange(other.leave_, nullptr);
    return *this;
  }
  ~Subscription() { reset(); }
  void reset() {
    leave_ = nullptr;
    if (auto cancel = std::exchange(cancel_, nullptr)) cancel();
  }
  // Asks for no more. What was sent here before that is known everywhere still comes, until this
  // object goes; after Bus::flush() it has come. On the embedded bus nothing changes: nobody else
  // is there to take it.
  void leave() {
    if (auto leave = std::exchange(leave_, nullptr)) leave();
  }

 private:
  std::function<void()> cancel_, leave_;
};

struct BusNumbers {
  bool connected = true;
  std::uint64_t reconnects = 0;
  // What this process publishes and what it is given; payloads.
  std::uint64_t messages_out = 0, bytes_out = 0, messages_in = 0, bytes_in = 0;
};

class Bus {
 public:
  virtual ~Bus() = default;
  // Errors: invalid (subject, too large), unavailable (not connected).
  virtual Result<void> publish(Message message) = 0;
  // `handler` runs on core 0, one message at a time, and must not block; it may publish and
  // (un)subscribe. Of the subscriptions with the same queue group one gets each message; "" is no
  // group.
  virtual Result<Subscription> subscribe(std::string subject, std::string queue_group,
                                         std::function<void(const Message&)> handler) = 0;
  // Errors: unavailable at once when nobody listens (is_no_responders()) or the bus is away,
  // timeout at the deadline.
  virtual runtime::Task<Message> request(Message message, runtime::Deadline deadline) = 0;
  // Answers to one request from many, until the deadline: pings and auctions.
  virtual runtime::Task<std::vector<Message>> collect(Message message,
                                                      runtime::Deadline deadline) = 0;
  // Tells whether anybody listens to `subject`: now, and on core 0 whenever that changes, so that
  // what nobody hears need not be made. `tell` only takes note: it uses the bus no further. A bus
  // that cannot know says yes.
  virtual void watch_interest(std::string subject, std::function<void(bool)> tell) {
    static_cast<void>(subject);
    tell(true);
  }
  // Returns when everything done so far is known to whoever carries the messages, and what they had
  // sent here by then has been handed to its handlers. At once where there is nobody between.
  virtual runtime::Task<void> flush(runtime::Deadline deadline) {
    static_cast<void>(deadline);
    co_return Result<void>();
  }
  // Of one message; what is larger goes in chunks (chunk_store.h) or not at all.
  virtual std::size_t payload_bytes_max() const = 0;
  virtual BusNumbers numbers() const { return {}; }
  virtual std::string describe() const = 0;  // "embedded bus on 127.0.0.1:4222"
};

}  // namespace trellis::lattice
