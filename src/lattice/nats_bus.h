// The bus of many machines: a NATS server or cluster that is there already. Joins it as a client,
// keeps its subscriptions, and comes back by itself when the connection is lost: at once to the
// next server, then again and again with a pause that grows. Meanwhile nothing waits: publish() and
// request() fail with the reason, and requests under way fail too. Core 0; not thread-safe.
//
// An own client and not libnats, since every call to another host passes through it: libnats hands
// each message from thread to thread, and waits in its calls when a socket is full.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "lattice/bus.h"
#include "lattice/nats_connection.h"

namespace trellis::lattice {

struct NatsBusOptions {
  std::vector<NatsServer> servers;  // at least one; those of their cluster are learned
  NatsConnectionOptions connection{};
  std::chrono::milliseconds attempt_timeout{5'000};
  // start() goes on trying for so long when nobody answers; not when it is refused.
  std::chrono::milliseconds start_timeout{10'000};
  std::chrono::milliseconds pause_min{100}, pause_max{800};  // between attempts
  // On core 0, after start(): the connection was lost, and why; or it is back, and everything is
  // subscribed again.
  std::function<void(bool connected, const std::string& why)> changed{};
};

class NatsBus : public Bus {
 public:
  // Errors: those of NatsConnection::connect(). What it makes must be stopped before it goes.
  static runtime::Task<std::unique_ptr<NatsBus>> start(NatsBusOptions options);
  // What waits to be written goes out until the deadline, then the connection is closed.
  virtual runtime::Task<void> stop(runtime::Deadline deadline) = 0;
  virtual bool connected() const = 0;
  virtual const NatsServerInfo& server_info() const = 0;  // the latest word of a server
};

}  // namespace trellis::lattice
