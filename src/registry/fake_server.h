// For tests: an HTTP server on a free port of this machine that answers what a test says, byte for
// byte, also what no server should say. One request a connection, one connection after another, on
// a thread of its own; it remembers what it was asked.
#pragma once

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace trellis::registry {

class FakeServer {
 public:
  struct Request {
    std::string method, path, body;
    std::map<std::string, std::string> headers;  // names in lower case
    std::string header(const std::string& name) const {
      const auto found = headers.find(name);
      return found == headers.end() ? std::string() : found->second;
    }
  };
  using Answer = std::function<std::string(const Request&)>;  // the whole answer; "" hangs up

  static std::string reply(int status, const std::string& body,
                           const std::vector<std::string>& headers = {}) {
    std::string head = fmt::format("HTTP/1.1 {} Status\r\nConnection: close\r\n", status);
    for (const auto& header : headers) head += header + "\r\n";
    return head + fmt::format("Content-Length: {}\r\n\r\n{}", body.size(), body);
  }

  explicit FakeServer(Answer answer) : answer_(std::move(answer)) {
    socket_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    if (::bind(socket_, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
        ::listen(socket_, 16) != 0 ||
        ::getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
      std::abort();
    }
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  FakeServer(const FakeServer&) = delete;
  FakeServer& operator=(const FakeServer&) = delete;
  ~FakeServer() {
    ::shutdown(socket_, SHUT_RDWR);  // wakes accept()
    thread_.join();
    ::close(socket_);
  }

  std::string host() const { return fmt::format("127.0.0.1:{}", port_); }
  std::string url(const std::string& path) const { return "http://" + host() + path; }
  std::vector<Request> asked() const {
    const std::lock_guard lock(mutex_);
    return asked_;
  }

 private:
  void serve() {
    while (true) {
      const int peer = ::accept(socket_, nullptr, nullptr);
      if (peer < 0) return;
      if (auto request = read(peer); !request.method.empty()) {
        {
          const std::lock_guard lock(mutex_);
          asked_.push_back(request);
        }
        const auto text = answer_(request);
        for (std::size_t done = 0; done < text.size();) {
          const auto n = ::send(peer, text.data() + done, text.size() - done, MSG_NOSIGNAL);
          if (n <= 0) break;
          done += static_cast<std::size_t>(n);
        }
      }
      ::shutdown(peer, SHUT_WR);
      char rest[4096];  // until the client has gone, so that it is not cut off while it reads
      while (::recv(peer, rest, sizeof(rest), 0) > 0) {
      }
      ::close(peer);
    }
  }

  static Request read(int peer) {
    std::string text;
    char buffer[65536];
    std::size_t head = std::string::npos;
    std::size_t length = 0;
    Request request;
    while (head == std::string::npos || text.size() < head + length) {
      const auto n = ::recv(peer, buffer, sizeof(buffer), 0);
      if (n <= 0) return {};
      text.append(buffer, static_cast<std::size_t>(n));
      if (text.front() == '\x16') return {};  // somebody speaks TLS
      if (head != std::string::npos || (head = text.find("\r\n\r\n")) == std::string::npos)
        continue;
      head += 4;
      request = parse_head(text.substr(0, head));
      length = static_cast<std::size_t>(std::atoll(request.header("content-length").c_str()));
    }
    request.body = text.substr(head);
    return request;
  }

  static Request parse_head(const std::string& head) {
    Request request;
    std::size_t from = head.find("\r\n") + 2;
    request.method = head.substr(0, head.find(' '));
    request.path = head.substr(request.method.size() + 1);
    request.path.resize(request.path.find(' '));
    while (from + 2 < head.size()) {
      const auto to = head.find("\r\n", from);
      const auto colon = head.find(':', from);
      auto name = head.substr(from, colon - from);
      for (char& c : name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
      request.headers[name] = head.substr(colon + 2, to - colon - 2);
      from = to + 2;
    }
    return request;
  }

  const Answer answer_;
  int socket_ = -1;
  std::uint16_t port_ = 0;
  mutable std::mutex mutex_;
  std::vector<Request> asked_;
  std::thread thread_;
};

}  // namespace trellis::registry
