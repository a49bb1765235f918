// Goal: sockets that are kept go on taking connections when this process has closed them, the next
// process finds them under their address, and shutting one down ends it everywhere. The test keeps
// them itself, with the protocol of sd_notify(3).
#include "net/kept_sockets.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <optional>
#include <thread>

#include "net/test_client.h"

namespace trellis::net {
namespace {

// Whoever keeps: a datagram socket without a name in any folder.
class TestKeeper {
 public:
  TestKeeper() : fd_(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    EXPECT_EQ(bind(fd_, reinterpret_cast<sockaddr*>(&name), sizeof name.sun_family), 0);
    socklen_t length = sizeof name;
    getsockname(fd_, reinterpret_cast<sockaddr*>(&name), &length);
    std::string text(name.sun_path, length - offsetof(sockaddr_un, sun_path));
    text[0] = '@';
    setenv("NOTIFY_SOCKET", text.c_str(), 1);
  }
  ~TestKeeper() {
    unsetenv("NOTIFY_SOCKET");
    inherit_sockets();
    close(fd_);
  }
  // The next socket that came, and what was said with it.
  std::optional<ListeningSocket> next(std::string* said = nullptr) {
    char line[128];
    iovec into{line, sizeof line};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))];
    msghdr message{};
    message.msg_iov = &into;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    const auto size = recvmsg(fd_, &message, 0);
    if (size < 0) return std::nullopt;
    if (said != nullptr) said->assign(line, static_cast<std::size_t>(size));
    int fd = -1;
    std::memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof fd);
    return ListeningSocket(fd);
  }

 private:
  int fd_;
};

SocketAddress free_address() {
  auto address = *parse_address("127.0.0.1:0");
  EXPECT_TRUE(listen_on(address, 1));  // and closed
  return address;
}

TEST(KeptSockets, TakeConnectionsAfterTheirProcessClosedThem) {
  TestKeeper keeper;
  inherit_sockets();
  auto address = free_address();
  std::vector<ListeningSocket> copies;
  {
    auto sockets = listen_on(address, 2);
    ASSERT_TRUE(sockets);
    std::string said;
    while (auto copy = keeper.next(&said)) copies.push_back(std::move(*copy));
    EXPECT_EQ(said, "FDSTORE=1\nFDNAME=trellis");
  }
  ASSERT_EQ(copies.size(), 2u);
  EXPECT_TRUE(TestClient(address.port()).connected());
  for (const auto& copy : copies) shutdown(copy.fd(), SHUT_RDWR);
  EXPECT_FALSE(TestClient(address.port()).connected());
}

TEST(KeptSockets, OfManyCoresAreAllKeptThoughTheKeeperTakesOneByOne) {
  TestKeeper keeper;
  inherit_sockets();
  auto address = free_address();
  std::size_t taken = 0;
  std::thread taking([&] {
    for (int i = 0; i < 2'000 && taken < 64; ++i) {
      while (keeper.next()) ++taken;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  });
  EXPECT_TRUE(listen_on(address, 64));
  taking.join();
  EXPECT_EQ(taken, 64u);
}

TEST(KeptSockets, OfAnyPortAreNotKept) {
  TestKeeper keeper;
  inherit_sockets();
  auto address = *parse_address("127.0.0.1:0");
  ASSERT_TRUE(listen_on(address, 1));
  EXPECT_FALSE(keeper.next());
}

// What the next process does, in a child whose descriptors begin where the protocol says: 0 when
// the connection that waits is answered and sockets that were not asked for are shut down.
int next_process(std::vector<ListeningSocket> passed, SocketAddress wanted) {
  const int count = static_cast<int>(passed.size());
  std::vector<int> high;
  for (auto& socket : passed) high.push_back(fcntl(socket.fd(), F_DUPFD, 100));
  for (int i = 0; i < count; ++i) dup2(high[static_cast<std::size_t>(i)], 3 + i);
  for (const int fd : high) close(fd);
  setenv("LISTEN_FDS", std::to_string(count).c_str(), 1);
  setenv("LISTEN_PID", std::to_string(getpid()).c_str(), 1);
  inherit_sockets();
  if (getenv("LISTEN_FDS") != nullptr || getenv("LISTEN_PID") != nullptr) return 1;
  auto sockets = listen_on(wanted, 3);  // one core more than before
  if (!sockets || sockets->size() != 3) return 2;
  int accepted = -1;
  for (const auto& socket : *sockets)
    if (const int fd = accept(socket.fd(), nullptr, nullptr); fd >= 0) accepted = fd;
  if (accepted < 0) return 3;
  if (send(accepted, "hello", 5, 0) != 5) return 4;
  return drop_untaken() == 1 && drop_untaken() == 0 ? 0 : 5;
}

TEST(KeptSockets, AreTakenOverByTheNextProcess) {
  auto address = free_address(), other = free_address();
  auto sockets = listen_on(address, 2);
  auto unwanted = listen_on(other, 1);
  ASSERT_TRUE(sockets && unwanted);
  TestClient client(address.port());  // nobody accepts yet
  ASSERT_TRUE(client.connected());
  auto passed = std::move(*sockets);
  passed.push_back(std::move(unwanted->front()));

  const pid_t child = fork();
  if (child == 0) std::_Exit(next_process(std::move(passed), address));
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(WEXITSTATUS(status), 0);
  EXPECT_EQ(client.until_closed(), "hello");
  EXPECT_FALSE(TestClient(other.port()).connected()) << "nobody would have answered there";
}

TEST(KeptSockets, ForAnotherProcessAreLeftAlone) {
  setenv("LISTEN_FDS", "1", 1);
  setenv("LISTEN_PID", "1", 1);
  inherit_sockets();
  EXPECT_EQ(drop_untaken(), 0u);
  EXPECT_EQ(getenv("LISTEN_FDS"), nullptr);
}

}  // namespace
}  // namespace trellis::net
