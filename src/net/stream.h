// A connection that we open: bytes to and from somebody else over TCP, over TLS, or through a local
// socket. For protocols that are neither HTTP nor NATS (providers/keyvalue speaks Redis over it).
// Belongs to the core that connected it. One read and one write may wait at once.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "base/bytes.h"
#include "runtime/core.h"

namespace trellis::net {

class Stream {
 public:
  struct Target {
    std::string host{};  // a name or an address
    std::uint16_t port = 0;
    std::string unix_path{};  // instead of both
    bool tls = false;         // the certificate must be the host's, signed by a CA of this machine
  };

  // Tries each address of the host in turn. Errors: unavailable with the reason of the last one
  // ("cannot connect to localhost:6379: Connection refused"), timeout.
  static runtime::Task<std::unique_ptr<Stream>> connect(Target target, runtime::Deadline deadline);
  virtual ~Stream() = default;

  // At least one byte; the other side's end is an error (unavailable).
  virtual runtime::Task<std::size_t> read_some(std::span<std::uint8_t> into) = 0;
  virtual runtime::Task<void> write_all(BytesView bytes) = 0;
  virtual void close() = 0;  // what waits fails; idempotent
};

}  // namespace trellis::net
