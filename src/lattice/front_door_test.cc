// Goal: the front door speaks as nats-server does, byte for byte, and no client can hurt the bus or
// another client. Method: the protocol by hand over real sockets from the test's thread, the bus on
// a core of its own.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "lattice/embedded_bus.h"
#include "lattice/on_core.h"
#include "lattice/raw_nats_client.h"
#include "lattice/received.h"

namespace trellis::lattice {
namespace {

using runtime::Deadline;
using runtime::Task;
using namespace std::chrono_literals;
using namespace std::string_view_literals;

class FrontDoorTest : public CoreTest {
 protected:
  ~FrontDoorTest() override { stop(); }

  void start(EmbeddedBusOptions options = {}) {
    if (options.ping_interval == EmbeddedBusOptions().ping_interval) options.ping_interval = 1h;
    if (options.address == EmbeddedBusOptions().address) options.address = "127.0.0.1:0";
    const auto started = on_core<void>([&]() -> Task<void> {
      CO_TRY(bus_, co_await EmbeddedBus::start(options));
      co_return Result<void>();
    });
    ASSERT_TRUE(started) << started.error().describe();
    port_ = bus_->port();
  }
  void stop() {
    if (!bus_) return;
    const auto stopped = on_core<void>([&]() -> Task<void> {
      subscriptions_.clear();
      auto result = co_await bus_->stop(Deadline::in(5s));
      bus_.reset();
      co_return result;
    });
    EXPECT_TRUE(stopped) << stopped.error().describe();
  }
  RawNatsClient client() {
    RawNatsClient made(port_);
    made.handshake();
    return made;
  }
  void publish(Message message) {
    call_on_core([&] {
      const auto published = bus_->publish(std::move(message));
      EXPECT_TRUE(published) << published.error().describe();
    });
  }
  void subscribe(std::string subject, std::function<void(const Message&)> handler) {
    call_on_core([&] {
      auto made = bus_->subscribe(std::move(subject), "", std::move(handler));
      ASSERT_TRUE(made) << made.error().describe();
      subscriptions_.push_back(*std::move(made));
    });
  }
  std::size_t clients() {
    std::size_t count = 0;
    call_on_core([&] { count = bus_->clients(); });
    return count;
  }
  // The bus notices the end of a connection a moment later than the peer.
  void wait_for_clients(std::size_t count) {
    for (int i = 0; i < 5'000 && clients() != count; ++i) std::this_thread::sleep_for(1ms);
    ASSERT_EQ(clients(), count);
  }

  std::unique_ptr<EmbeddedBus> bus_;
  std::vector<Subscription> subscriptions_;
  std::uint16_t port_ = 0;
};

TEST_F(FrontDoorTest, GreetsWithInfo) {
  start({.server_id = "NSERVER"});
  RawNatsClient client(port_);
  const auto info = client.read_line();
  EXPECT_TRUE(info.starts_with("INFO {")) << info;
  for (const auto* part : {R"("server_id":"NSERVER")", R"("headers":true)", R"("proto":1)",
                           R"("max_payload":8388608)", R"("client_id":1)"})
    EXPECT_NE(info.find(part), std::string::npos) << info;
}

TEST_F(FrontDoorTest, DeliversBetweenClientsByteForByte) {
  start();
  auto a = client(), b = client();
  a.send("SUB news.* 7\r\n");
  a.sync();
  b.send("PUB news.x 5\r\nhello\r\nPUB news.y answer 2\r\n\r\n\r\n");
  const auto expected = "MSG news.x 7 5\r\nhello\r\nMSG news.y 7 answer 2\r\n\r\n\r\n"sv;
  EXPECT_EQ(a.read(expected.size()), expected);
}

TEST_F(FrontDoorTest, TakesTheEmptyHeaderBlockOfWash) {
  start();
  Message seen;
  subscribe("ctl", [&](const Message& message) {
    seen = message;
    EXPECT_TRUE(bus_->publish({message.reply, "", {}, to_bytes("pong")}));
  });
  auto wash = client();
  wash.send("SUB _INBOX.x.* 1\r\nHPUB ctl _INBOX.x.1 12 14\r\nNATS/1.0\r\n\r\n{}\r\n");
  EXPECT_EQ(wash.read_line(), "MSG _INBOX.x.1 1 4");
  EXPECT_EQ(wash.read_line(), "pong");
  EXPECT_TRUE(seen.headers.empty());
  EXPECT_EQ(as_text(seen.data), "{}");
}

TEST_F(FrontDoorTest, PassesHeadersOnAsTheyCame) {
  start();
  auto modern = client(), sender = client();
  RawNatsClient old(port_);
  old.handshake(R"({"verbose":false})");
  modern.send("SUB h 1\r\n");
  old.send("SUB h 1\r\n");
  modern.sync();
  old.sync();
  sender.send(
      "HPUB h 19 21\r\nNATS/1.0\r\nX:  y\r\n\r\nok\r\nHPUB h 12 14\r\nNATS/1.0\r\n\r\nno\r\n");
  EXPECT_EQ(modern.read_line(), "HMSG h 1 19 21");
  EXPECT_EQ(modern.read(23), "NATS/1.0\r\nX:  y\r\n\r\nok\r\n");
  EXPECT_EQ(modern.read_line(), "HMSG h 1 12 14");
  EXPECT_EQ(modern.read(16), "NATS/1.0\r\n\r\nno\r\n");
  EXPECT_EQ(old.read_line(), "MSG h 1 2");
  EXPECT_EQ(old.read_line(), "ok");
}

TEST_F(FrontDoorTest, SaysThatThereAreNoResponders) {
  start();
  auto asker = client();
  asker.send("SUB _INBOX.me.* 3\r\nPUB nobody _INBOX.me.1 2\r\nhi\r\n");
  EXPECT_EQ(asker.read_line(), "HMSG _INBOX.me.1 3 16 16");
  EXPECT_EQ(asker.read(18), "NATS/1.0 503\r\n\r\n\r\n");
  RawNatsClient old(port_);
  old.handshake(R"({"verbose":false})");
  old.send("SUB _INBOX.old.* 3\r\nPUB nobody _INBOX.old.1 2\r\nhi\r\n");
  old.sync();  // nothing came before PONG
}

TEST_F(FrontDoorTest, ConfirmsEveryStepToAVerboseClient) {
  start();
  RawNatsClient client(port_);
  client.read_line();
  client.send("CONNECT {}\r\nSUB a 1\r\nPUB b 1\r\nx\r\nUNSUB 1\r\nPING\r\n");
  for (const auto* expected : {"+OK", "+OK", "+OK", "+OK", "PONG"})
    EXPECT_EQ(client.read_line(), expected);
}

TEST_F(FrontDoorTest, EchoesOnlyToWhoWantsIt) {
  start();
  auto loud = client();
  RawNatsClient quiet(port_);
  quiet.handshake(R"({"verbose":false,"echo":false,"headers":true,"no_responders":true})");
  loud.send("SUB a 1\r\nPUB a 1\r\n1\r\n");
  EXPECT_EQ(loud.read_line(), "MSG a 1 1");
  loud.read_line();
  quiet.send("SUB a 1\r\nPUB a 1\r\n2\r\n");
  quiet.sync();
  EXPECT_EQ(loud.read_line(), "MSG a 1 1");
  EXPECT_EQ(loud.read_line(), "2");
}

TEST_F(FrontDoorTest, EndsASubscriptionAfterItsMaximum) {
  start();
  auto a = client(), b = client();
  a.send("SUB s 1\r\nUNSUB 1 2\r\n");
  a.sync();
  b.send("PUB s 1\r\n1\r\nPUB s 1\r\n2\r\nPUB s 1\r\n3\r\n");
  b.sync();
  a.send("PING\r\n");
  for (const auto* expected : {"MSG s 1 1", "1", "MSG s 1 1", "2", "PONG"})
    EXPECT_EQ(a.read_line(), expected);
}

TEST_F(FrontDoorTest, MaximumAlreadyReachedEndsAtOnce) {
  start();
  auto a = client();
  a.send("SUB s 1\r\nPUB s 1\r\n1\r\nPUB s 1\r\n2\r\nUNSUB 1 2\r\nPUB s 1\r\n3\r\nPING\r\n");
  for (const auto* expected : {"MSG s 1 1", "1", "MSG s 1 1", "2", "PONG"})
    EXPECT_EQ(a.read_line(), expected);
}

TEST_F(FrontDoorTest, RefusesSubjectsAndKeepsTheClient) {
  start();
  RawNatsClient client(port_);
  client.handshake(R"({"verbose":false,"pedantic":true})");
  client.send("SUB a..b 1\r\nSUB a.>.b 1\r\nPUB a.* 1\r\nx\r\n");
  EXPECT_EQ(client.read_line(), "-ERR 'Invalid Subject'");
  EXPECT_EQ(client.read_line(), "-ERR 'Invalid Subject'");
  EXPECT_EQ(client.read_line(), "-ERR 'Invalid Publish Subject'");
  client.sync();
}

TEST_F(FrontDoorTest, NamesTheFaultAndHangsUp) {
  start({.payload_bytes_max = 100, .control_line_max = 200});
  auto bystander = client();
  bystander.send("SUB ok 1\r\n");
  bystander.sync();
  const std::pair<std::string, const char*> cases[] = {
      {"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "-ERR 'Unknown Protocol Operation'"},
      {std::string(5'000, '\xff'), "-ERR 'Maximum Control Line Exceeded'"},
      {"PUB a b c d e\r\n", "-ERR 'Parser Error'"},
      {"CONNECT nonsense\r\n", "-ERR 'Parser Error'"},
      {"PUB a 101\r\n" + std::string(101, 'x') + "\r\n", "-ERR 'Maximum Payload Violation'"},
      {"CONNECT {\"no_responders\":true,\"verbose\":false}\r\n",
       "-ERR 'no responders requires headers support'"},
      {"HPUB a 12 12\r\nNATS/1.0\r\n\r\n\r\n", "-ERR 'message headers not supported'"},
  };
  for (const auto& [bytes, text] : cases) {
    RawNatsClient client(port_);
    client.read_line();
    client.send(bytes);
    EXPECT_EQ(client.read_line(), text);
    EXPECT_EQ(client.read_line(), "<closed>");
  }
  wait_for_clients(1);
  publish({"ok", "", {}, to_bytes("well")});
  EXPECT_EQ(bystander.read_line(), "MSG ok 1 4");
}

TEST_F(FrontDoorTest, LetsInOnlyWhoHasTheToken) {
  start({.auth_token = "secret"});
  RawNatsClient good(port_);
  EXPECT_NE(good.read_line().find(R"("auth_required":true)"), std::string::npos);
  good.send("CONNECT {\"auth_token\":\"secret\",\"verbose\":false}\r\n");
  good.sync();
  for (const auto* first :
       {"CONNECT {\"auth_token\":\"guess\"}\r\n", "CONNECT {\"verbose\":false}\r\n",
        "CONNECT {\"auth_token\":null}\r\n", "PUB a 1\r\nx\r\n", "SUB > 1\r\n"}) {
    RawNatsClient bad(port_);
    bad.read_line();
    bad.send(first);
    EXPECT_EQ(bad.read_line(), "-ERR 'Authorization Violation'") << first;
    EXPECT_EQ(bad.read_line(), "<closed>");
  }
}

TEST_F(FrontDoorTest, HangsUpOnWhoSaysNothing) {
  start({.user = "u", .password = "p", .auth_timeout = 50ms});
  RawNatsClient client(port_);
  client.read_line();
  EXPECT_EQ(client.read_line(), "-ERR 'Authentication Timeout'");
  EXPECT_EQ(client.read_line(), "<closed>");
}

TEST_F(FrontDoorTest, CutsAStaleConnectionAndKeepsOneThatAnswers) {
  start({.ping_interval = 200ms});
  auto silent = client(), answering = client();
  std::size_t pings = 0;
  while (pings < 5) {
    ASSERT_EQ(answering.read_line(), "PING");
    answering.send("PONG\r\n");
    ++pings;
  }
  EXPECT_EQ(silent.read_line(), "PING");
  EXPECT_EQ(silent.read_line(), "PING");
  EXPECT_EQ(silent.read_line(), "-ERR 'Stale Connection'");
  EXPECT_EQ(silent.read_line(), "<closed>");
}

TEST_F(FrontDoorTest, CutsASlowConsumerAndNobodyElse) {
  start({.pending_bytes_max = 300'000});
  RawNatsClient slow(port_, 4'096);
  slow.handshake();
  slow.send("SUB flood 1\r\n");
  slow.sync();
  auto fast = client(), sender = client();
  fast.send("SUB flood 1\r\n");
  fast.sync();
  // 20 MB, more than the kernel keeps for a connection, in steps the bus may keep for a client.
  const std::string message = "PUB flood 10000\r\n" + std::string(10'000, 'x') + "\r\n";
  for (int step = 0; step < 200; ++step) {
    for (int i = 0; i < 10; ++i) ASSERT_TRUE(sender.send(message));
    for (int i = 0; i < 10; ++i) {
      ASSERT_EQ(fast.read_line(), "MSG flood 1 10000") << "in step " << step;
      ASSERT_EQ(fast.read(10'002).size(), 10'002u);
    }
  }
  wait_for_clients(2);
  std::string line;
  while ((line = slow.read_line()) != "<closed>" && line != "<nothing>") slow.read(10'002);
  EXPECT_EQ(line, "<closed>");
}

TEST_F(FrontDoorTest, ForgetsTheSubscriptionsOfWhoLeft) {
  start();
  auto asker = client();
  {
    auto answering = client();
    answering.send("SUB q 1\r\nSUB q group 2\r\n");
    answering.sync();
  }
  wait_for_clients(1);
  asker.send("SUB _INBOX.* 1\r\nPUB q _INBOX.1 0\r\n\r\n");
  EXPECT_EQ(asker.read_line(), "HMSG _INBOX.1 1 16 16");
}

TEST_F(FrontDoorTest, ServesHundredsOfClientsAtOnce) {
  start();
  constexpr std::size_t kClients = 300;
  std::vector<RawNatsClient> all;
  for (std::size_t i = 0; i < kClients; ++i) {
    all.push_back(client());
    all.back().send("SUB all 1\r\nSUB one group 2\r\n");
    all.back().sync();
  }
  EXPECT_EQ(clients(), kClients);
  publish({"all", "", {}, Bytes(100'000, 'x')});
  for (auto& each : all) {
    ASSERT_EQ(each.read_line(), "MSG all 1 100000");
    ASSERT_EQ(each.read(100'002), std::string(100'000, 'x') + "\r\n");
  }
  publish({"one", "", {}, {}});
  std::size_t got = 0;
  for (auto& each : all) {
    each.send("PING\r\n");
    if (each.read_line() != "PONG") ++got;
  }
  EXPECT_EQ(got, 1u);
}

TEST_F(FrontDoorTest, TurnsAwayMoreClientsThanItMayHave) {
  start({.clients_max = 2});
  auto first = client(), second = client();
  RawNatsClient third(port_);
  EXPECT_TRUE(third.read_line().starts_with("INFO"));
  EXPECT_EQ(third.read_line(), "-ERR 'Maximum Connections Exceeded'");
  EXPECT_EQ(third.read_line(), "<closed>");
  first.sync();
}

TEST_F(FrontDoorTest, BoundsTheSubscriptionsOfAClient) {
  start({.subscriptions_max = 3});
  auto client = this->client();
  client.send("SUB a 1\r\nSUB a 2\r\nSUB a 3\r\nSUB a 4\r\nUNSUB 1\r\nSUB a 4\r\nPING\r\n");
  EXPECT_EQ(client.read_line(), "-ERR 'maximum subscriptions exceeded'");
  EXPECT_EQ(client.read_line(), "PONG");
}

TEST_F(FrontDoorTest, DeliversWhatWaitsBeforeItStops) {
  start();
  auto client = this->client();
  client.send("SUB last 1\r\n");
  client.sync();
  const auto stopped = on_core<void>([&]() -> Task<void> {
    CO_TRY_OK(bus_->publish({"last", "", {}, Bytes(5'000'000, 'x')}));
    runtime::Core::current().spawn("stop", bus_->stop(Deadline::in(10s)));
    co_return Result<void>();
  });
  ASSERT_TRUE(stopped);
  EXPECT_EQ(client.read_line(), "MSG last 1 5000000");
  EXPECT_EQ(client.read(5'000'002), std::string(5'000'000, 'x') + "\r\n");
  EXPECT_EQ(client.read_line(), "<closed>");
  client.close();
  wait_for_clients(0);
  // The port is free at once.
  const auto address = fmt::format("127.0.0.1:{}", port_);
  stop();
  start({.address = address});
  this->client();
}

TEST_F(FrontDoorTest, OnePublishReachesManyInOneTurnEach) {
  start();
  auto client = this->client();
  std::string subs;
  for (int i = 0; i < 1'000; ++i) subs += fmt::format("SUB s {}\r\n", i);
  client.send(subs);
  client.sync();
  publish({"s", "", {}, to_bytes("x")});
  for (int i = 0; i < 1'000; ++i) {
    ASSERT_TRUE(client.read_line().starts_with("MSG s "));
    ASSERT_EQ(client.read_line(), "x");
  }
}

TEST_F(FrontDoorTest, SurvivesItsClientsWhenItIsDestroyedWithoutStopping) {
  start();
  auto client = this->client();
  client.send("SUB s 1\r\n");
  client.sync();
  call_on_core([&] { bus_.reset(); });
  EXPECT_EQ(client.read_line(), "<closed>");
}

}  // namespace
}  // namespace trellis::lattice
