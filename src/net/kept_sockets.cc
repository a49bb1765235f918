#include "net/kept_sockets.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <charconv>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <string_view>
#include <unordered_map>

#include "base/log.h"

namespace trellis::net {
namespace {

struct Kept {
  std::mutex mutex;  // a listener is opened or closed: seldom, and by two threads at most
  std::unordered_map<std::string, std::vector<ListeningSocket>> untaken;  // by address
  sockaddr_un keeper{};
  socklen_t keeper_length = 0;  // 0: nobody keeps
};

Kept& kept() {
  static Kept the_process;
  return the_process;
}

// $NOTIFY_SOCKET: a path, or a name that begins with @ and is in no folder.
void read_keeper(Kept& kept, std::string_view name) {
  if (name.size() < 2 || name.size() >= sizeof kept.keeper.sun_path) return;
  kept.keeper.sun_family = AF_UNIX;
  std::memcpy(kept.keeper.sun_path, name.data(), name.size());
  if (name.front() == '@') kept.keeper.sun_path[0] = '\0';
  kept.keeper_length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
}

int number_in(const char* variable) {
  const char* text = std::getenv(variable);
  int number = 0;
  if (text != nullptr) std::from_chars(text, text + std::strlen(text), number);
  return number;
}

// A listening TCP socket's own address; "" for anything else that was passed.
std::string listening_address(int fd) {
  int listening = 0;
  socklen_t size = sizeof listening;
  if (::getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) != 0 || listening == 0)
    return {};
  SocketAddress address;
  address.length = sizeof address.storage;
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&address.storage), &address.length) != 0)
    return {};
  const auto family = address.storage.ss_family;
  return family == AF_INET || family == AF_INET6 ? address.text() : std::string();
}

bool send_copy(const Kept& kept, int channel, int fd) {
  std::string text(kStoreSocket);
  text += "\nFDNAME=trellis";
  iovec line{text.data(), text.size()};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof fd)] = {};
  msghdr message{};
  message.msg_name = const_cast<sockaddr_un*>(&kept.keeper);
  message.msg_namelen = kept.keeper_length;
  message.msg_iov = &line;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof fd);
  std::memcpy(CMSG_DATA(header), &fd, sizeof fd);
  if (::sendmsg(channel, &message, MSG_NOSIGNAL) >= 0) return true;
  LOG(warn, "a listening socket is not kept beyond this process: {}", std::strerror(errno));
  return false;
}

}  // namespace

void inherit_sockets() {
  auto& all = kept();
  const std::lock_guard lock(all.mutex);
  all.keeper_length = 0;
  if (const char* name = std::getenv("NOTIFY_SOCKET")) read_keeper(all, name);
  if (number_in("LISTEN_PID") == ::getpid()) {
    const int passed = number_in("LISTEN_FDS");
    for (int fd = kFirstPassedSocket; fd < kFirstPassedSocket + passed; ++fd) {
      ::fcntl(fd, F_SETFD, FD_CLOEXEC);
      ListeningSocket socket(fd);
      if (auto address = listening_address(fd); !address.empty())
        all.untaken[std::move(address)].push_back(std::move(socket));
    }
  }
  for (const char* name : {"NOTIFY_SOCKET", "LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"})
    ::unsetenv(name);  // not for the processes of providers
}

std::vector<ListeningSocket> take_kept(const std::string& address) {
  auto& all = kept();
  const std::lock_guard lock(all.mutex);
  auto found = all.untaken.extract(address);
  return found.empty() ? std::vector<ListeningSocket>() : std::move(found.mapped());
}

void keep(std::span<const ListeningSocket> sockets) {
  auto& all = kept();
  const std::lock_guard lock(all.mutex);
  if (all.keeper_length == 0) return;
  const int channel = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (channel < 0) return;
  // The queue there holds ten: of many cores' sockets the rest waits until they are taken, which
  // is at once. Not for ever, for a keeper that hangs.
  const timeval patience{.tv_sec = 0, .tv_usec = 200'000};
  ::setsockopt(channel, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  for (const auto& socket : sockets)
    if (!send_copy(all, channel, socket.fd())) break;
  ::close(channel);
}

void let_go(int listening_socket) { ::shutdown(listening_socket, SHUT_RDWR); }

std::size_t drop_untaken() {
  auto& all = kept();
  const std::lock_guard lock(all.mutex);
  std::size_t count = 0;
  for (auto& [address, sockets] : all.untaken) {
    for (const auto& socket : sockets) let_go(socket.fd());
    count += sockets.size();
    LOG(info, "nothing listens on {} any more", address);
  }
  all.untaken.clear();
  return count;
}

}  // namespace trellis::net
