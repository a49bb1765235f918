// For tests: a socket on which a test writes and reads the NATS protocol by hand, on its own
// thread.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace trellis::lattice {

class RawNatsClient {
 public:
  // `receive_buffer`: of the socket, 0 for the usual one.
  explicit RawNatsClient(std::uint16_t port, int receive_buffer = 0)
      : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
    const timeval patience{10, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    ::setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    if (receive_buffer)
      ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    const int yes = 1;
    ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(fd_, reinterpret_cast<const sockaddr*>(&to), sizeof to), 0);
  }
  RawNatsClient(RawNatsClient&& other) noexcept
      : fd_(std::exchange(other.fd_, -1)), buffer_(std::move(other.buffer_)) {}
  ~RawNatsClient() { close(); }
  void close() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }

  // INFO read, CONNECT said with these options, PONG seen.
  RawNatsClient& handshake(
      std::string_view options = R"({"verbose":false,"headers":true,"no_responders":true})") {
    EXPECT_TRUE(read_line().starts_with("INFO {"));
    send("CONNECT " + std::string(options) + "\r\n");
    return sync();
  }
  // A round trip: everything sent before has been handled.
  RawNatsClient& sync() {
    send("PING\r\n");
    EXPECT_EQ(read_line(), "PONG");
    return *this;
  }

  // False when the peer has closed.
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const auto sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }
  // Without its end; "<closed>" at the end of the stream, "<nothing>" after ten seconds.
  std::string read_line() {
    std::size_t end = 0;
    while ((end = buffer_.find("\r\n")) == std::string::npos) {
      if (const auto* why = fill()) return why;
    }
    auto line = buffer_.substr(0, end);
    buffer_.erase(0, end + 2);
    return line;
  }
  std::string read(std::size_t bytes) {
    while (buffer_.size() < bytes) {
      if (const auto* why = fill()) return why;
    }
    auto taken = buffer_.substr(0, bytes);
    buffer_.erase(0, bytes);
    return taken;
  }

 private:
  const char* fill() {
    char chunk[65536];
    const auto got = ::recv(fd_, chunk, sizeof chunk, 0);
    if (got > 0) {
      buffer_.append(chunk, static_cast<std::size_t>(got));
      return nullptr;
    }
    return got == 0 || errno == ECONNRESET ? "<closed>" : "<nothing>";
  }

  int fd_;
  std::string buffer_;
};

}  // namespace trellis::lattice
