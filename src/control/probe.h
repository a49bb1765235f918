// Looks at a TCP port before anything is said to it: closed, a NATS server, or something else. For
// commands that must tell a person what is in the way. Blocking, bounded by the timeout.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace trellis::control {

enum class PortState {
  closed,  // nobody listens, or it cannot be reached
  nats,    // greets as a NATS server does
  other,   // listens, and is not a NATS server
};

struct PortProbe {
  PortState state = PortState::closed;
  std::string reason;       // when closed, as users know it: "Connection refused (os error 111)"
  std::string server_name;  // what a NATS server says of itself, "" if nothing
  std::string server_version;
};

PortProbe probe_port(const std::string& host, std::uint16_t port,
                     std::chrono::milliseconds timeout);

}  // namespace trellis::control
