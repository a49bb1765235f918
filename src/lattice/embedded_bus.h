// The bus of one machine: subjects, wildcards, queue groups and requests in process, and a front
// door that speaks the NATS client protocol, so that wash, foreign providers and any NATS client
// can talk to a host that has nothing beside it. Core 0. Protocol: INFO CONNECT PING PONG SUB UNSUB
// PUB HPUB MSG HMSG +OK -ERR; headers, no-responders, verbose, echo, max_payload. No JetStream, no
// clustering: for those, join a NATS server.
#pragma once

#include <memory>
#include <string>

#include "lattice/bus.h"

namespace trellis::lattice {

struct EmbeddedBusOptions {
  std::string address = "127.0.0.1:4222";  // "" opens no front door; port 0 takes a free one
  std::string server_id;                   // shown in INFO
  std::string auth_token, user, password;  // when set, CONNECT must carry them
};

class EmbeddedBus : public Bus {
 public:
  // Fails with the address and the reason when the front door cannot be opened.
  static runtime::Task<std::unique_ptr<EmbeddedBus>> start(EmbeddedBusOptions options);
  virtual std::uint16_t port() const = 0;
  virtual std::size_t clients() const = 0;
  virtual runtime::Task<void> stop(
      runtime::Deadline deadline) = 0;  // flushes clients, closes the door
};

}  // namespace trellis::lattice
