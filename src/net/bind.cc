#include "net/bind.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>

#include "net/kept_sockets.h"

namespace trellis::net {
namespace {

constexpr int kBacklog = 4096;

sockaddr_in& v4(sockaddr_storage& s) { return reinterpret_cast<sockaddr_in&>(s); }
sockaddr_in6& v6(sockaddr_storage& s) { return reinterpret_cast<sockaddr_in6&>(s); }

tl::unexpected<Error> cannot_listen(const SocketAddress& address, int error) {
  const auto refuse = [&](Errc code, std::string_view reason) {
    return fail(code, "net.listen", fmt::format("cannot listen on {}: {}", address.text(), reason));
  };
  switch (error) {
    case EADDRINUSE:
      return refuse(Errc::unavailable, "address already in use");
    case EACCES:
    case EPERM:
      return refuse(Errc::denied,
                    "permission denied (ports below 1024 need root or CAP_NET_BIND_SERVICE)");
    case EADDRNOTAVAIL:
      return refuse(Errc::invalid, "this machine has no such address");
    case EMFILE:
    case ENFILE:
      return refuse(Errc::exhausted, "too many open files (raise ulimit -n)");
    default:
      return refuse(Errc::unavailable, std::strerror(error));
  }
}

bool set_on(int fd, int option) {
  const int on = 1;
  return setsockopt(fd, SOL_SOCKET, option, &on, sizeof on) == 0;
}

enum class Share : bool { no, yes };

// Bound and listening, or errno of what failed.
Result<ListeningSocket> listen_once(const SocketAddress& address, Share share) {
  const int fd =
      socket(address.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);
  if (fd < 0) return cannot_listen(address, errno);
  ListeningSocket out(fd);
  // Connections of a server that ended may linger on the port; they do not keep it.
  if (!set_on(fd, SO_REUSEADDR) || (share == Share::yes && !set_on(fd, SO_REUSEPORT)) ||
      bind(fd, reinterpret_cast<const sockaddr*>(&address.storage), address.length) != 0 ||
      ::listen(fd, kBacklog) != 0)
    return cannot_listen(address, errno);
  return out;
}

}  // namespace

std::uint16_t SocketAddress::port() const {
  auto copy = storage;
  return ntohs(copy.ss_family == AF_INET6 ? v6(copy).sin6_port : v4(copy).sin_port);
}

void SocketAddress::set_port(std::uint16_t port) {
  (storage.ss_family == AF_INET6 ? v6(storage).sin6_port : v4(storage).sin_port) = htons(port);
}

std::string SocketAddress::text() const {
  auto copy = storage;
  char ip[INET6_ADDRSTRLEN] = "?";
  if (copy.ss_family == AF_INET6) {
    inet_ntop(AF_INET6, &v6(copy).sin6_addr, ip, sizeof ip);
    return fmt::format("[{}]:{}", ip, port());
  }
  inet_ntop(AF_INET, &v4(copy).sin_addr, ip, sizeof ip);
  return fmt::format("{}:{}", ip, port());
}

Result<SocketAddress> parse_address(std::string_view text) {
  const auto bad = [&] {
    return fail(Errc::invalid, "net.address",
                fmt::format("'{}' is not an address of the form ip:port", text));
  };
  const auto colon = text.rfind(':');
  if (colon == text.npos) return bad();
  std::string ip(text.substr(0, colon));
  const auto digits = text.substr(colon + 1);
  std::uint16_t port = 0;
  const auto [end, ec] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (ec != std::errc() || end != digits.data() + digits.size()) return bad();

  SocketAddress out;
  if (ip.size() > 2 && ip.front() == '[' && ip.back() == ']') {
    out.storage.ss_family = AF_INET6;
    out.length = sizeof(sockaddr_in6);
    ip = ip.substr(1, ip.size() - 2);
    if (inet_pton(AF_INET6, ip.c_str(), &v6(out.storage).sin6_addr) != 1) return bad();
  } else {
    out.storage.ss_family = AF_INET;
    out.length = sizeof(sockaddr_in);
    if (inet_pton(AF_INET, ip.c_str(), &v4(out.storage).sin_addr) != 1) return bad();
  }
  out.set_port(port);
  return out;
}

ListeningSocket::~ListeningSocket() {
  if (fd_ >= 0) ::close(fd_);
}

namespace {

// Those of the process before this one, and connections wait in them. It may have had more or fewer
// cores.
Result<std::vector<ListeningSocket>> take_over(std::vector<ListeningSocket> kept,
                                               const SocketAddress& address, std::size_t count) {
  while (kept.size() > count) {
    let_go(kept.back().fd());
    kept.pop_back();
  }
  // A host of one core did not share: those that are added could not join.
  for (const auto& socket : kept) set_on(socket.fd(), SO_REUSEPORT);
  while (kept.size() < count) {
    auto next = listen_once(address, Share::yes);
    if (!next) {
      for (const auto& socket : kept) let_go(socket.fd());  // nobody would accept there
      return fail(std::move(next).error());
    }
    kept.push_back(std::move(*next));
    keep({&kept.back(), 1});
  }
  return kept;
}

}  // namespace

// SO_REUSEPORT lets any socket of the same user join, so a second server would silently take half
// of the connections. Hence the first socket binds and listens without it, which the kernel refuses
// when anybody listens there; only then it is opened to sharing, and the others of this call join.
// While it listens nobody else's first socket can.
Result<std::vector<ListeningSocket>> listen_on(SocketAddress& address, std::size_t count) {
  if (auto kept = take_kept(address.text()); !kept.empty())
    return take_over(std::move(kept), address, count);
  std::vector<ListeningSocket> out;
  const bool any_port = address.port() == 0;  // another one next time: nobody looks for this
  TRY(auto first, listen_once(address, Share::no));
  const int fd = first.fd();
  out.push_back(std::move(first));
  if (any_port) {
    socklen_t length = sizeof address.storage;
    if (getsockname(fd, reinterpret_cast<sockaddr*>(&address.storage), &length) != 0)
      return cannot_listen(address, errno);
  }
  if (count > 1 && !set_on(fd, SO_REUSEPORT)) return cannot_listen(address, errno);
  while (out.size() < count) {
    TRY(auto next, listen_once(address, Share::yes));
    out.push_back(std::move(next));
  }
  if (!any_port) keep(out);
  return out;
}

}  // namespace trellis::net
