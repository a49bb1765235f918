// A port of this machine that leads to a server elsewhere: each connection's bytes pass both ways
// as they are, TLS too. A host in a pod has one to NATS, so that links and people find that at
// localhost, wherever it runs (TRELLIS_NATS_RELAY). Lives on the core that made it.
//
// One buffer each way is all that waits here: who reads slowly is sent no more. The end of one way
// is passed on; then the other has a while to end as well. A server that does not answer ends the
// client's connection at once, so that the client tries again. The name is looked up for each.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/limits.h"
#include "runtime/core.h"

namespace trellis::net {

class ByteRelay {
 public:
  struct Options {
    std::string address{};  // "ip:port"; port 0 takes a free one
    std::string host{};     // of the server: a name or an address
    std::uint16_t port = 0;
    std::size_t connections_max = limits::kRelayConnectionsMax;  // more are closed at once
    std::chrono::milliseconds connect_timeout = limits::kRelayConnectTimeout;
    std::chrono::milliseconds stall_timeout = limits::kRelayStallTimeout;
  };

  // Errors: those of listen_on().
  static Result<std::unique_ptr<ByteRelay>> listen(Options options);
  virtual ~ByteRelay() = default;  // close() has been awaited

  virtual std::uint16_t port() const = 0;
  virtual std::size_t connections() const = 0;
  // Frees the port and cuts all connections.
  virtual runtime::Task<void> close() = 0;
};

}  // namespace trellis::net
