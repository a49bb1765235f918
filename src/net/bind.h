// An address in text → listening sockets on it, one per core. Used by HttpServer; any listener of
// another room that wants the same words and the same exclusiveness may use it.
#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace trellis::net {

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t length = 0;

  std::uint16_t port() const;
  void set_port(std::uint16_t port);
  std::string text() const;  // "127.0.0.1:8080", "[::1]:8080"
};

// "ip:port" or "[ip6]:port"; names are not looked up.
Result<SocketAddress> parse_address(std::string_view text);

// A listening socket's file descriptor; closed when destroyed.
class ListeningSocket {
 public:
  explicit ListeningSocket(int fd) : fd_(fd) {}
  ListeningSocket(ListeningSocket&& other) noexcept : fd_(other.release()) {}
  ListeningSocket& operator=(ListeningSocket&&) = delete;
  ~ListeningSocket();
  int fd() const { return fd_; }
  int release() {
    const int fd = fd_;
    fd_ = -1;
    return fd;
  }

 private:
  int fd_;
};

// `count` sockets that share the address between them and with nobody else: an address that any
// other socket listens on, of this process too, is "already in use". Port 0 becomes a free one, the
// same for all. Non-blocking.
Result<std::vector<ListeningSocket>> listen_on(SocketAddress& address, std::size_t count);

}  // namespace trellis::net
