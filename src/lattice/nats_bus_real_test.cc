// Goal: the NATS bus keeps what every bus promises, with the real nats-server; and what only a
// server elsewhere can show: credentials, TLS, a loss and a return, a server that is silent.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <fstream>
#include <optional>

#include "claims/jwt.h"
#include "claims/nkey.h"
#include "codec/base64.h"
#include "lattice/bus_conformance.h"
#include "lattice/embedded_bus.h"
#include "lattice/nats_bus.h"
#include "lattice/temporary_folder.h"
#include "runtime/server_process.h"

namespace trellis::lattice {
namespace {

using namespace std::chrono_literals;
using runtime::Deadline;
using runtime::ServerProcess;
using runtime::Task;

std::vector<std::string> nats_server(std::uint16_t port, std::vector<std::string> more = {}) {
  std::vector<std::string> command{"nats-server", "-a", "127.0.0.1", "-p", std::to_string(port)};
  command.insert(command.end(), more.begin(), more.end());
  return command;
}

NatsBusOptions to(std::uint16_t port) {
  NatsBusOptions options;
  options.servers = {{"127.0.0.1", port}};
  options.connection.name = "test";
  return options;
}

Deadline soon() { return Deadline::in(10s); }

// Two of ours at a real server.
struct RealBackend {
  Task<void> start() {
    CO_TRY(first, co_await NatsBus::start(to(port)));
    CO_TRY(second, co_await NatsBus::start(to(port)));
    co_return Result<void>();
  }
  Bus& near() { return *first; }
  Bus& far() { return *second; }
  Task<void> settle() {
    CO_TRY_OK(co_await first->flush(soon()));
    CO_TRY_OK(co_await second->flush(soon()));
    co_return co_await first->flush(soon());
  }
  std::size_t payload_bytes_max() { return first->payload_bytes_max(); }
  Task<void> stop() {
    CO_TRY_OK(co_await first->stop(soon()));
    co_return co_await second->stop(soon());
  }
  const std::uint16_t port = runtime::free_port();
  const ServerProcess server{nats_server(port), port};
  std::unique_ptr<NatsBus> first, second;
};

// One in this process, one of ours at its front door.
struct DoorBackend {
  Task<void> start() {
    EmbeddedBusOptions options;
    options.address = "127.0.0.1:0";
    CO_TRY(bus, co_await EmbeddedBus::start(std::move(options)));
    CO_TRY(client, co_await NatsBus::start(to(bus->port())));
    co_return Result<void>();
  }
  Bus& near() { return *bus; }
  Bus& far() { return *client; }
  Task<void> settle() { return client->flush(soon()); }
  std::size_t payload_bytes_max() { return limits::kBusPayloadBytesMax; }
  Task<void> stop() {
    CO_TRY_OK(co_await client->stop(soon()));
    co_return co_await bus->stop(soon());
  }
  std::unique_ptr<EmbeddedBus> bus;
  std::unique_ptr<NatsBus> client;
};

INSTANTIATE_TYPED_TEST_SUITE_P(RealServer, BusConformance, RealBackend);
INSTANTIATE_TYPED_TEST_SUITE_P(FrontDoor, BusConformance, DoorBackend);

class NatsBusTest : public CoreTest {
 protected:
  void run(std::function<Task<void>()> test) {
    const auto done = on_core<void>(std::move(test));
    EXPECT_TRUE(done) << done.error().describe();
  }
  // Expects start() to fail, and gives the error.
  Error refused(NatsBusOptions options) {
    Error error;
    run([&]() -> Task<void> {
      auto bus = co_await NatsBus::start(options);
      EXPECT_FALSE(bus);
      if (bus) co_return co_await (*bus)->stop(soon());
      error = bus.error();
      co_return Result<void>();
    });
    return error;
  }
  void accepted(NatsBusOptions options) {
    run([&]() -> Task<void> {
      CO_TRY(const auto bus, co_await NatsBus::start(options));
      CO_TRY_OK(co_await bus->flush(soon()));
      co_return co_await bus->stop(soon());
    });
  }
};

TEST_F(NatsBusTest, SaysWhereNobodyIs) {
  auto options = to(runtime::free_port());
  options.start_timeout = 50ms;
  const auto error = refused(options);
  EXPECT_EQ(error.code, Errc::unavailable);
  EXPECT_NE(error.detail.find(options.servers[0].address()), std::string::npos) << error.detail;
  EXPECT_NE(error.detail.find("Connection refused"), std::string::npos) << error.detail;
}

TEST_F(NatsBusTest, WaitsForAServerThatIsStillStarting) {
  const auto port = runtime::free_port();
  run([&]() -> Task<void> {
    std::unique_ptr<ServerProcess> server;
    runtime::Core::current().post(
        [&] { server = std::make_unique<ServerProcess>(nats_server(port), port); });
    CO_TRY(const auto bus, co_await NatsBus::start(to(port)));
    co_return co_await bus->stop(soon());
  });
}

TEST_F(NatsBusTest, IsLetInWithAUserATokenOrAKeyAndNotWithout) {
  const auto key = claims::KeyPair::generate(claims::KeyType::user);
  TemporaryFolder folder;
  const auto keys = folder.file("nkey.conf");
  {
    std::ofstream(keys) << "authorization { users = [ { nkey: " << key.public_key() << " } ] }\n";
  }
  const std::vector<std::pair<std::vector<std::string>, NatsCredentials>> cases{
      {{"--user", "lattice", "--pass", "s3cret"}, {.user = "lattice", .password = "s3cret"}},
      {{"--auth", "t0ken"}, {.token = "t0ken"}},
      {{"-c", keys}, {.seed = key.seed()}},
  };
  for (const auto& [arguments, credentials] : cases) {
    const auto port = runtime::free_port();
    const ServerProcess server(nats_server(port, arguments), port);
    auto options = to(port);
    const auto nobody = refused(options);
    EXPECT_EQ(nobody.code, Errc::unauthenticated) << nobody.detail;
    EXPECT_NE(nobody.detail.find("without credentials"), std::string::npos) << nobody.detail;
    options.connection.credentials = {.user = "lattice", .password = "guess", .token = "guess"};
    const auto wrong = refused(options);
    EXPECT_EQ(wrong.code, Errc::unauthenticated) << wrong.detail;
    EXPECT_NE(wrong.detail.find("does not take these"), std::string::npos) << wrong.detail;
    options.connection.credentials = credentials;
    accepted(options);
  }
}

// A token as NATS' own tools make them:
// https://docs.nats.io/running-a-nats-service/configuration/securing_nats/auth_intro/jwt
std::string nats_jwt(const claims::KeyPair& issuer, const std::string& subject,
                     const std::string& about) {
  const auto part = [](const std::string& json) {
    return codec::base64_encode(as_bytes(json), codec::Base64::url);
  };
  const auto body = fmt::format(
      R"({{"jti":"{}","iat":1700000000,"iss":"{}","name":"test","sub":"{}","nats":{{{},"version":2}}}})",
      claims::new_jti(), issuer.public_key(), subject, about);
  const auto token = part(R"({"typ":"JWT","alg":"ed25519-nkey"})") + "." + part(body);
  return token + "." + codec::base64_encode(issuer.sign(as_bytes(token)), codec::Base64::url);
}

TEST_F(NatsBusTest, IsLetInWithTheTokenOfAUserAndItsSeed) {
  using claims::KeyPair;
  using claims::KeyType;
  const auto company = KeyPair::generate(KeyType::operator_);
  const auto account = KeyPair::generate(KeyType::account);
  const auto user = KeyPair::generate(KeyType::user);
  const auto of_company = nats_jwt(company, company.public_key(), R"("type":"operator")");
  const auto of_account = nats_jwt(
      company, account.public_key(),
      R"("type":"account","limits":{"subs":-1,"data":-1,"payload":-1,"conn":-1,"leaf":-1,"imports":-1,"exports":-1,"wildcards":true})");
  const auto of_user = nats_jwt(
      account, user.public_key(),
      R"("type":"user","pub":{},"sub":{"deny":["secret.>"]},"subs":-1,"data":-1,"payload":-1)");
  TemporaryFolder folder;
  const auto file = folder.file("jwt.conf");
  {
    std::ofstream(file) << fmt::format(
        "operator: {}\nresolver: MEMORY\nresolver_preload: {{ {}: {} }}\n", of_company,
        account.public_key(), of_account);
  }
  const auto port = runtime::free_port();
  const ServerProcess server(nats_server(port, {"-c", file}), port);
  auto options = to(port);
  EXPECT_EQ(refused(options).code, Errc::unauthenticated);
  options.connection.credentials = {.jwt = of_user,
                                    .seed = KeyPair::generate(KeyType::user).seed()};
  EXPECT_EQ(refused(options).code, Errc::unauthenticated) << "another user's seed";
  const auto credentials = parse_nats_credentials(
      fmt::format("-----BEGIN NATS USER JWT-----\n{}\n------END NATS USER JWT------\n\n"
                  "-----BEGIN USER NKEY SEED-----\n{}\n------END USER NKEY SEED------\n",
                  of_user, user.seed()));
  ASSERT_TRUE(credentials) << credentials.error().describe();
  options.connection.credentials = *credentials;
  accepted(options);
}

TEST_F(NatsBusTest, ComesBackWithItsSubscriptionsAndFailsAtOnceMeanwhile) {
  const auto port = runtime::free_port();
  ServerProcess server(nats_server(port), port);
  run([&]() -> Task<void> {
    Received received, changes, silent;
    auto options = to(port);
    std::vector<std::string> told;
    options.changed = [&, note = changes.handler()](bool connected, const std::string& why) {
      told.push_back(connected ? "back" : why);
      note({});
    };
    CO_TRY(const auto bus, co_await NatsBus::start(options));
    CO_TRY(const auto subscription, bus->subscribe("news", "", received.handler()));
    CO_TRY(const auto other, bus->subscribe("silent", "", silent.handler()));
    CO_TRY_OK(bus->publish({"news", "", {}, to_bytes("before")}));
    CO_TRY_OK(co_await received.wait_for(1));

    std::optional<Result<Message>> answer;
    Received answered;
    const auto ask = [](NatsBus& to_ask, std::optional<Result<Message>>& into,
                        std::function<void(const Message&)> done) -> Task<void> {
      into = co_await to_ask.request({"silent", "", {}, {}}, soon());
      done({});
      co_return Result<void>();
    };
    runtime::Core::current().spawn("ask", ask(*bus, answer, answered.handler()));
    CO_TRY_OK(co_await silent.wait_for(1));
    server.stop();
    CO_TRY_OK(co_await changes.wait_for(1));
    CO_TRY_OK(co_await answered.wait_for(1));
    EXPECT_FALSE(*answer);
    if (!*answer) EXPECT_EQ(answer->error().code, Errc::unavailable);
    EXPECT_FALSE(bus->connected());
    const auto refused = bus->publish({"news", "", {}, {}});
    EXPECT_FALSE(refused);
    if (!refused) {
      EXPECT_EQ(refused.error().code, Errc::unavailable);
      EXPECT_NE(refused.error().detail.find(std::to_string(port)), std::string::npos)
          << refused.error().detail;
    }
    CO_TRY(const auto made_meanwhile, bus->subscribe("more", "", received.handler()));

    server.start();
    CO_TRY_OK(co_await changes.wait_for(2));
    EXPECT_EQ(told.back(), "back");
    CO_TRY_OK(bus->publish({"news", "", {}, to_bytes("after")}));
    CO_TRY_OK(bus->publish({"more", "", {}, to_bytes("new")}));
    CO_TRY_OK(co_await received.wait_for(3));
    EXPECT_EQ(as_text(received.messages()[1].data), "after");
    EXPECT_EQ(as_text(received.messages()[2].data), "new");
    co_return co_await bus->stop(soon());
  });
}

TEST_F(NatsBusTest, NoticesAServerThatIsSilent) {
  const auto port = runtime::free_port();
  ServerProcess server(nats_server(port), port);
  run([&]() -> Task<void> {
    Received changes;
    auto options = to(port);
    options.connection.ping_interval = 100ms;
    options.changed = [note = changes.handler()](bool, const std::string&) { note({}); };
    CO_TRY(const auto bus, co_await NatsBus::start(options));
    server.pause();
    CO_TRY_OK(co_await changes.wait_for(1));
    EXPECT_FALSE(bus->connected());
    server.resume();
    CO_TRY_OK(co_await changes.wait_for(2));
    EXPECT_TRUE(bus->connected());
    co_return co_await bus->stop(soon());
  });
}

TEST_F(NatsBusTest, GoesToAnotherServerOfTheClusterThatItWasNotToldOf) {
  const auto port = runtime::free_port(), other_port = runtime::free_port();
  const auto route = runtime::free_port(), other_route = runtime::free_port();
  const auto cluster = [](std::uint16_t own, std::uint16_t to_other) {
    return std::vector<std::string>{"--cluster_name", "lab",
                                    "--cluster",      fmt::format("nats://127.0.0.1:{}", own),
                                    "--routes",       fmt::format("nats://127.0.0.1:{}", to_other)};
  };
  ServerProcess server(nats_server(port, cluster(route, other_route)), port);
  const ServerProcess other(nats_server(other_port, cluster(other_route, route)), other_port);
  run([&]() -> Task<void> {
    Received changes;
    auto options = to(port);
    options.changed = [note = changes.handler()](bool, const std::string&) { note({}); };
    CO_TRY(const auto bus, co_await NatsBus::start(options));
    // The servers tell their clients when they have found each other: at the start, or later.
    for (int look = 0; look < 1'000 && bus->server_info().connect_urls.size() < 2; ++look)
      CO_TRY_OK(co_await runtime::Core::current().sleep_until(Deadline::in(10ms)));
    server.stop();
    CO_TRY_OK(co_await changes.wait_for(2));
    CO_TRY_OK(co_await bus->flush(soon()));
    EXPECT_NE(bus->describe().find(std::to_string(other_port)), std::string::npos)
        << bus->describe();
    co_return co_await bus->stop(soon());
  });
}

TEST_F(NatsBusTest, TellsWhetherAnybodyListens) {
  const auto port = runtime::free_port();
  const ServerProcess server(nats_server(port), port);
  run([&]() -> Task<void> {
    CO_TRY(const auto bus, co_await NatsBus::start(to(port)));
    Received told, heard;
    std::vector<bool> wanted;
    bus->watch_interest("events", [&, note = told.handler()](bool is_wanted) {
      wanted.push_back(is_wanted);
      note({});
    });
    EXPECT_EQ(wanted, std::vector<bool>{true});
    CO_TRY_OK(bus->publish({"events", "", {}, to_bytes("1")}));
    CO_TRY_OK(co_await told.wait_for(3));  // nobody did; and then it is to be tried again
    EXPECT_EQ(wanted, (std::vector<bool>{true, false, true}));
    CO_TRY(const auto subscription, bus->subscribe("events", "", heard.handler()));
    CO_TRY_OK(bus->publish({"events", "", {}, to_bytes("2")}));
    CO_TRY_OK(co_await heard.wait_for(1));
    CO_TRY_OK(co_await bus->flush(soon()));
    EXPECT_EQ(wanted.size(), 3u);
    co_return co_await bus->stop(soon());
  });
}

TEST_F(NatsBusTest, WhoLeavesAGroupGetsWhatWasSentToItAndTheOthersTheRest) {
  const auto port = runtime::free_port();
  const ServerProcess server(nats_server(port), port);
  run([&]() -> Task<void> {
    CO_TRY(const auto leaver, co_await NatsBus::start(to(port)));
    CO_TRY(const auto other, co_await NatsBus::start(to(port)));
    CO_TRY(const auto sender, co_await NatsBus::start(to(port)));
    Received first, second;
    CO_TRY(auto leaving, leaver->subscribe("a", "group", first.handler()));
    CO_TRY(const auto staying, other->subscribe("a", "group", second.handler()));
    CO_TRY_OK(co_await leaver->flush(soon()));
    CO_TRY_OK(co_await other->flush(soon()));
    for (int i = 0; i < 1000; ++i) CO_TRY_OK(sender->publish({"a", "", {}, {}}));
    leaving.leave();
    CO_TRY_OK(co_await leaver->flush(soon()));
    const auto before = first.count();
    leaving.reset();
    for (int i = 0; i < 1000; ++i) CO_TRY_OK(sender->publish({"a", "", {}, {}}));
    CO_TRY_OK(co_await second.wait_for(2000 - before));
    EXPECT_EQ(first.count() + second.count(), 2000u) << "none is lost, none comes twice";
    CO_TRY_OK(co_await leaver->stop(soon()));
    CO_TRY_OK(co_await other->stop(soon()));
    co_return co_await sender->stop(soon());
  });
}

TEST_F(NatsBusTest, TakesWhatTheServerTakes) {
  const auto port = runtime::free_port();
  TemporaryFolder folder;
  const auto file = folder.file("small.conf");
  {
    std::ofstream(file) << "max_payload: 1000\n";
  }
  const ServerProcess server(nats_server(port, {"-c", file}), port);
  run([&]() -> Task<void> {
    CO_TRY(const auto bus, co_await NatsBus::start(to(port)));
    EXPECT_EQ(bus->payload_bytes_max(), 1000u);
    const auto refused = bus->publish({"a", "", {}, Bytes(1001)});
    EXPECT_FALSE(refused);
    if (!refused) EXPECT_EQ(refused.error().code, Errc::invalid);
    CO_TRY_OK(bus->publish({"a", "", {}, Bytes(1000)}));
    CO_TRY_OK(co_await bus->flush(soon()));
    co_return co_await bus->stop(soon());
  });
}

TEST(NatsServer, IsReadFromWhatPeopleWrite) {
  const auto address = [](std::string_view text) {
    const auto server = NatsServer::parse(text);
    return server ? server->address() : "refused";
  };
  EXPECT_EQ(address("nats.example"), "nats.example:4222");
  EXPECT_EQ(address("nats://10.0.0.1:4333"), "10.0.0.1:4333");
  EXPECT_EQ(address("tls://a:1"), "a:1");
  EXPECT_EQ(address("[::1]:4222"), "[::1]:4222");
  EXPECT_EQ(address("::1"), "[::1]:4222");
  for (const auto* bad : {"", "a:", "a:0", "a:70000", "a:x", "[::1", "[::1]4222", ":4222"})
    EXPECT_EQ(address(bad), "refused") << bad;
}

}  // namespace
}  // namespace trellis::lattice
