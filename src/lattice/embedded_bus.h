// The bus of one machine: subjects, wildcards, queue groups and requests in process, and a front
// door that speaks the NATS client protocol, so that wash, foreign providers and any NATS client
// can talk to a host that has nothing beside it. Made, used and destroyed on core 0, whose loop
// runs its coroutines. stop() first; without it clients are cut. Protocol: INFO CONNECT PING PONG
// SUB UNSUB PUB HPUB MSG HMSG +OK -ERR; headers, no-responders, verbose, pedantic, echo,
// max_payload. No JetStream, no clustering: for those, join a NATS server. A client that does not
// read is cut when its pending bytes are used up; the others do not notice.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "base/limits.h"
#include "lattice/bus.h"

namespace trellis::lattice {

struct EmbeddedBusOptions {
  std::string address = "127.0.0.1:4222";        // "" opens no front door; port 0 takes a free one
  std::string server_id{};                       // shown in INFO
  std::string auth_token{}, user{}, password{};  // when set, CONNECT must carry them

  std::size_t payload_bytes_max = limits::kBusPayloadBytesMax;
  std::size_t control_line_max = limits::kBusControlLineMax;
  std::size_t pending_bytes_max = limits::kBusPendingBytesMax;   // per client, and for this process
  std::size_t subscriptions_max = limits::kBusSubscriptionsMax;  // per client
  std::size_t clients_max = 10'000;
  std::chrono::milliseconds ping_interval{10'000};  // a client that says nothing is asked
  unsigned pings_unanswered_max = 2;                // then it is stale
  std::chrono::milliseconds auth_timeout{5'000};
};

class EmbeddedBus : public Bus {
 public:
  // Fails with the address and the reason when the front door cannot be opened.
  static runtime::Task<std::unique_ptr<EmbeddedBus>> start(EmbeddedBusOptions options);
  virtual std::uint16_t port() const = 0;  // 0 without a front door
  virtual std::size_t clients() const = 0;
  // Requests that wait fail `unavailable`; what is queued for handlers and clients is delivered
  // until the deadline; then the door is closed. The port is free when it returns.
  virtual runtime::Task<void> stop(runtime::Deadline deadline) = 0;
};

}  // namespace trellis::lattice
