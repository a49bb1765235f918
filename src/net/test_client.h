// A raw blocking HTTP client for the tests: sends bytes as told, reads with a time limit. Not a
// model of a client; it sees exactly what is on the wire.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

namespace trellis::net {

class TestClient {
 public:
  // `receive_bytes` > 0 makes the receive window small, for slow-reader tests.
  enum class Connect { at_once, later };
  explicit TestClient(std::uint16_t port, int receive_bytes = 0, Connect when = Connect::at_once) {
    fd_ = socket(AF_INET, SOCK_STREAM, 0);
    if (receive_bytes > 0)
      setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_bytes, sizeof receive_bytes);
    if (when == Connect::at_once) connect_to(port);
  }
  void connect_to(std::uint16_t port) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = connect(fd_, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0;
  }
  ~TestClient() { close(); }
  TestClient(const TestClient&) = delete;
  TestClient& operator=(const TestClient&) = delete;

  bool connected() const { return connected_; }

  void send(std::string_view bytes) {
    while (!bytes.empty()) {
      const auto n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n <= 0) return;
      bytes.remove_prefix(static_cast<std::size_t>(n));
    }
  }
  void finish_sending() { shutdown(fd_, SHUT_WR); }

  // Ends with a reset instead of a goodbye.
  void reset() {
    const linger now{1, 0};
    setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close();
  }
  void close() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }

  // One more piece; false at the end of the stream, a reset, or after `limit_ms` without a byte.
  bool receive(int limit_ms = 10'000) {
    pollfd p{fd_, POLLIN, 0};
    if (poll(&p, 1, limit_ms) != 1) {
      timed_out_ = true;
      return false;
    }
    char piece[65536];
    const auto n = ::recv(fd_, piece, sizeof piece, 0);
    if (n <= 0) return false;
    got_.append(piece, static_cast<std::size_t>(n));
    return true;
  }

  // The next whole response (head and content), "" when the stream ends first.
  std::string response(bool to_head_request = false) {
    std::size_t end;
    while ((end = got_.find("\r\n\r\n")) == got_.npos)
      if (!receive()) return {};
    end += 4;
    std::size_t length = 0;
    const auto at = got_.find("Content-Length: ");
    if (at < end && !to_head_request) length = std::strtoul(got_.c_str() + at + 16, nullptr, 10);
    while (got_.size() < end + length)
      if (!receive()) return {};
    auto out = got_.substr(0, end + length);
    got_.erase(0, end + length);
    return out;
  }

  // All until the server closes. EXPECTs that it does.
  std::string until_closed(int limit_ms = 10'000) {
    while (receive(limit_ms)) {
    }
    EXPECT_FALSE(timed_out_) << "the server did not close the connection";
    return std::exchange(got_, {});
  }

  int fd() const { return fd_; }

 private:
  int fd_ = -1;
  bool connected_ = false;
  bool timed_out_ = false;
  std::string got_;
};

}  // namespace trellis::net
