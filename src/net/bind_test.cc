#include "net/bind.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/wait.h>
#include <unistd.h>

#include "net/test_client.h"

namespace trellis::net {
namespace {

TEST(ParseAddress, TakesBothFamilies) {
  EXPECT_EQ(parse_address("0.0.0.0:8080")->text(), "0.0.0.0:8080");
  EXPECT_EQ(parse_address("[::1]:80")->text(), "[::1]:80");
  EXPECT_EQ(parse_address("127.0.0.1:0")->port(), 0);
}

TEST(ParseAddress, SaysWhatIsWrong) {
  for (const auto* bad : {"foo", "", ":80", "127.0.0.1", "127.0.0.1:", "127.0.0.1:99999",
                          "127.0.0.1:8o", "localhost:80", "::1:80", "[::1:80", "1.2.3:4"}) {
    auto got = parse_address(bad);
    ASSERT_FALSE(got) << bad;
    EXPECT_EQ(got.error().detail, fmt::format("'{}' is not an address of the form ip:port", bad));
  }
}

Result<std::vector<ListeningSocket>> listen_at(std::uint16_t& port, std::size_t count) {
  auto address = *parse_address(fmt::format("127.0.0.1:{}", port));
  auto sockets = listen_on(address, count);
  port = address.port();
  return sockets;
}

TEST(ListenOn, SharesThePortBetweenItsOwnSockets) {
  std::uint16_t port = 0;
  auto sockets = listen_at(port, 4);
  ASSERT_TRUE(sockets) << sockets.error().detail;
  // The kernel spreads connections over the four: with 200 none stays without.
  std::vector<std::unique_ptr<TestClient>> clients;
  for (int i = 0; i < 200; ++i) clients.push_back(std::make_unique<TestClient>(port));
  for (auto& socket : *sockets) {
    const int taken = accept(socket.fd(), nullptr, nullptr);
    EXPECT_GE(taken, 0);
    ::close(taken);
  }
}

TEST(ListenOn, RefusesAPortThatThisProcessListensOn) {
  for (std::size_t count : {1u, 3u}) {
    std::uint16_t port = 0;
    auto first = listen_at(port, count);
    ASSERT_TRUE(first);
    for (std::size_t second_count : {1u, 3u}) {
      auto second = listen_at(port, second_count);
      ASSERT_FALSE(second);
      EXPECT_EQ(second.error().detail,
                fmt::format("cannot listen on 127.0.0.1:{}: address already in use", port));
    }
    auto wildcard = *parse_address(fmt::format("0.0.0.0:{}", port));
    EXPECT_FALSE(listen_on(wildcard, 2));
  }
}

TEST(ListenOn, RefusesAPortThatAnotherProcessListensOn) {
  int ready[2], done[2];
  ASSERT_EQ(pipe(ready) + pipe(done), 0);
  const pid_t child = fork();
  if (child == 0) {
    std::uint16_t port = 0;
    auto sockets = listen_at(port, 2);
    char byte;
    if (!sockets || write(ready[1], &port, sizeof port) != sizeof port) _exit(1);
    ::close(done[1]);
    _exit(read(done[0], &byte, 1) == 0 ? 0 : 1);
  }
  ::close(done[0]);
  std::uint16_t port = 0;
  ASSERT_EQ(read(ready[0], &port, sizeof port), static_cast<ssize_t>(sizeof port));
  auto sockets = listen_at(port, 2);
  EXPECT_FALSE(sockets);
  ::close(done[1]);
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  ::close(ready[0]);
  ::close(ready[1]);
  // Free again at once, though the child's sockets are only just closed.
  EXPECT_TRUE(listen_at(port, 2));
}

TEST(ListenOn, IsNotKeptOutByConnectionsThatLinger) {
  std::uint16_t port = 0;
  int served = -1;
  {
    auto sockets = listen_at(port, 2);
    ASSERT_TRUE(sockets);
    TestClient client(port);
    for (int i = 0; served < 0; ++i) served = accept((*sockets)[i % 2].fd(), nullptr, nullptr);
    ::shutdown(served, SHUT_WR);  // we close first: TIME_WAIT stays on the port
    client.receive(1000);
  }
  EXPECT_TRUE(listen_at(port, 2));
  ::close(served);
}

TEST(ListenOn, SaysThatTheAddressIsNotOurs) {
  auto address = *parse_address("192.0.2.1:0");
  auto got = listen_on(address, 1);
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().detail, "cannot listen on 192.0.2.1:0: this machine has no such address");
}

}  // namespace
}  // namespace trellis::net
