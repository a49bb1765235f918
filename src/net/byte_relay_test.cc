// Goal: bytes pass a relay as they are, both ways, each end is passed on, and nothing is kept or
// let in without bound. Method: an HTTP server behind it, a raw client before it.
#include "net/byte_relay.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>

#include "net/test_client.h"
#include "net/test_server.h"

namespace trellis::net {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view kGet = "GET /echo?x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

class RelayTest : public testing::Test {
 protected:
  void TearDown() override {
    if (relay_) run([this] { return relay_->close(); });
    relay_.reset();
  }
  void listen(ByteRelay::Options options) {
    run([&]() -> runtime::Task<void> {
      auto made = ByteRelay::listen(options);
      EXPECT_TRUE(made) << made.error().describe();
      if (made) relay_ = std::move(*made);
      co_return Result<void>{};
    });
    ASSERT_TRUE(relay_);
  }
  ByteRelay::Options to(std::uint16_t port) {
    return {.address = "127.0.0.1:0", .host = "localhost", .port = port};
  }
  void run(std::function<runtime::Task<void>()> work) {
    EXPECT_TRUE(server_.cores().run_blocking<void>(0, std::move(work)));
  }
  std::size_t connections() {
    std::size_t count = 0;
    run([&]() -> runtime::Task<void> {
      count = relay_->connections();
      co_return Result<void>{};
    });
    return count;
  }
  void wait_for_connections(std::size_t count) {
    for (int i = 0; i < 5'000 && connections() != count; ++i) std::this_thread::sleep_for(1ms);
    EXPECT_EQ(connections(), count);
  }

  TestServer server_;
  std::unique_ptr<ByteRelay> relay_;
};

TEST_F(RelayTest, PassesBytesBothWaysAndTheEnd) {
  listen(to(server_.port()));
  TestClient client(relay_->port());
  client.send(kGet);
  const auto answer = client.until_closed();
  EXPECT_NE(answer.find("200"), std::string::npos);
  EXPECT_NE(answer.find("GET /echo x"), std::string::npos);
  client.close();
  wait_for_connections(0);
}

TEST_F(RelayTest, PassesOnTheEndOfOneWay) {
  listen(to(server_.port()));
  TestClient client(relay_->port());
  client.send("GET /echo?y HTTP/1.1\r\nHost: a\r\n\r\n");
  client.finish_sending();  // the server sees the end, answers and ends its way too
  EXPECT_NE(client.until_closed().find("GET /echo y"), std::string::npos);
}

TEST_F(RelayTest, PassesOnMoreThanItHasRoomForToASlowReader) {
  listen(to(server_.port()));
  constexpr std::size_t kBody = 32u << 20;
  TestClient client(relay_->port(), 8192);
  client.send("GET /big?" + std::to_string(kBody) +
              " HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  EXPECT_GT(client.until_closed().size(), kBody);
}

TEST_F(RelayTest, EndsAConnectionWhoseServerIsAway) {
  std::uint16_t nobody = 0;
  {
    TestServer gone;
    nobody = gone.port();
  }
  listen(to(nobody));
  TestClient client(relay_->port());
  EXPECT_EQ(client.until_closed(), "");
  wait_for_connections(0);
}

TEST_F(RelayTest, HasABoundedNumberOfConnections) {
  auto options = to(server_.port());
  options.connections_max = 1;
  listen(options);
  TestClient first(relay_->port());
  wait_for_connections(1);
  TestClient second(relay_->port());
  EXPECT_EQ(second.until_closed(), "") << "closed at once";
  first.send(kGet);
  EXPECT_NE(first.until_closed().find("GET /echo x"), std::string::npos) << "others go on";
}

TEST_F(RelayTest, CutsConnectionsWhenItCloses) {
  listen(to(server_.port()));
  TestClient client(relay_->port());
  wait_for_connections(1);
  run([this] { return relay_->close(); });
  EXPECT_EQ(client.until_closed(), "");
}

TEST_F(RelayTest, SaysWhyItCannotListen) {
  auto options = to(1);
  options.address = "127.0.0.1:" + std::to_string(server_.port());
  run([&]() -> runtime::Task<void> {
    const auto made = ByteRelay::listen(options);
    EXPECT_FALSE(made);
    if (!made) EXPECT_NE(made.error().detail.find("already in use"), std::string::npos);
    co_return Result<void>{};
  });
}

}  // namespace
}  // namespace trellis::net
