#include "control/probe.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <string_view>
#include <system_error>

#include "base/limits.h"
#include "codec/json.h"

namespace trellis::control {
namespace {

using Clock = std::chrono::steady_clock;

class Socket {
 public:
  explicit Socket(int fd) : fd_(fd) {}
  ~Socket() {
    if (fd_ >= 0) ::close(fd_);
  }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  int fd() const { return fd_; }

  // 0 when ready, ETIMEDOUT when the deadline passed first.
  int wait(short events, Clock::time_point deadline) const {
    pollfd watched{fd_, events, 0};
    auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now());
    int ready = ::poll(&watched, 1, static_cast<int>(std::max<long>(0, left.count())));
    if (ready < 0) return errno;
    return ready == 0 ? ETIMEDOUT : 0;
  }

 private:
  int fd_;
};

std::string os_error(int error) {
  return fmt::format("{} (os error {})", std::generic_category().message(error), error);
}

int finish_connect(const Socket& socket, const addrinfo& address, Clock::time_point deadline) {
  if (::connect(socket.fd(), address.ai_addr, address.ai_addrlen) == 0) return 0;
  if (errno != EINPROGRESS) return errno;
  if (int error = socket.wait(POLLOUT, deadline); error != 0) return error;
  int error = 0;
  socklen_t size = sizeof error;
  if (::getsockopt(socket.fd(), SOL_SOCKET, SO_ERROR, &error, &size) != 0) return errno;
  return error;
}

// The first line the server says by itself; "" if it waits for the client, as most but NATS do.
std::string read_greeting(const Socket& socket, Clock::time_point deadline) {
  std::string greeting;
  char buffer[4096];
  while (greeting.find('\n') == std::string::npos &&
         greeting.size() < 4 * limits::kBusControlLineMax) {
    if (socket.wait(POLLIN, deadline) != 0) return {};
    ssize_t got = ::recv(socket.fd(), buffer, sizeof buffer, 0);
    if (got <= 0) return {};
    greeting.append(buffer, static_cast<std::size_t>(got));
  }
  return greeting.substr(0, greeting.find('\n'));
}

void read_info(std::string_view greeting, PortProbe& probe) {
  constexpr std::string_view kInfo = "INFO ";
  if (!greeting.starts_with(kInfo)) return;
  Result<codec::json::value> info = codec::json_parse(greeting.substr(kInfo.size()));
  if (!info || !info->is_object()) return;
  probe.state = PortState::nats;
  auto member = [&](const char* key) {
    Result<std::optional<std::string>> text = codec::json_string(info->get_object(), key);
    return text && *text ? **text : std::string();
  };
  probe.server_name = member("server_name");
  probe.server_version = member("version");
}

}  // namespace

PortProbe probe_port(const std::string& host, std::uint16_t port,
                     std::chrono::milliseconds timeout) {
  PortProbe probe;
  Clock::time_point deadline = Clock::now() + timeout;
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (int error = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
      error != 0) {
    probe.reason = fmt::format("{}: {}", host, ::gai_strerror(error));
    return probe;
  }
  std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> addresses(found, &::freeaddrinfo);
  for (const addrinfo* each = addresses.get(); each != nullptr; each = each->ai_next) {
    Socket socket(::socket(each->ai_family, each->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (socket.fd() < 0) {
      probe.reason = os_error(errno);
      continue;
    }
    if (int error = finish_connect(socket, *each, deadline); error != 0) {
      probe.reason = os_error(error);
      continue;
    }
    probe.state = PortState::other;
    probe.reason.clear();
    read_info(read_greeting(socket, deadline), probe);
    return probe;
  }
  return probe;
}

}  // namespace trellis::control
