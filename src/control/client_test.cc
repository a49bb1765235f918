// The client against a real NATS server with a host that the test plays. Skipped where no
// nats-server is installed.
#include "control/client.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <functional>
#include <mutex>

#include "claims/nkey.h"
#include "codec/json.h"
#include "control/connection.h"
#include "control/probe.h"

namespace trellis::control {
namespace {

using namespace std::chrono_literals;

// A nats-server of its own on a free port; its port is read from what it prints when it is ready.
class Server {
 public:
  static std::unique_ptr<Server> start(std::vector<std::string> more = {}) {
    int out[2];
    if (::pipe2(out, O_CLOEXEC) != 0) return nullptr;
    std::vector<std::string> words = {"nats-server", "-a", "127.0.0.1", "-p", "-1"};
    words.insert(words.end(), more.begin(), more.end());
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, out[1], STDERR_FILENO);
    pid_t pid = -1;
    int error = ::posix_spawnp(&pid, "nats-server", &actions, nullptr, argv.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    ::close(out[1]);
    if (error != 0) {
      ::close(out[0]);
      return nullptr;
    }
    auto server = std::unique_ptr<Server>(new Server(pid, out[0]));
    return server->read_port() ? std::move(server) : nullptr;
  }
  ~Server() {
    ::kill(pid_, SIGTERM);
    ::waitpid(pid_, nullptr, 0);
    ::close(log_);
  }
  std::uint16_t port() const { return port_; }

 private:
  Server(pid_t pid, int log) : pid_(pid), log_(log) {}
  bool read_port() {
    std::string text;
    char c = 0;
    while (text.find("Server is ready") == std::string::npos && ::read(log_, &c, 1) == 1) text += c;
    constexpr std::string_view kListening = "client connections on 127.0.0.1:";
    std::size_t at = text.find(kListening);
    if (at == std::string::npos) return false;
    port_ = static_cast<std::uint16_t>(std::atoi(text.c_str() + at + kListening.size()));
    return true;
  }
  pid_t pid_;
  int log_;
  std::uint16_t port_ = 0;
};

// Plays hosts: answers subjects, and may publish events before it answers.
class FakeHost {
 public:
  using Answer = std::function<std::string(std::string_view body)>;  // "" does not reply

  explicit FakeHost(std::uint16_t port) {
    ConnectOptions options;
    options.port = port;
    Result<ConnectionHandle> made = open_connection(options);
    if (made) connection_ = std::move(*made);
  }
  void on(const std::string& subject, Answer answer) {
    auto& kept =
        handlers_.emplace_back(std::make_unique<Handler>(Handler{this, std::move(answer)}));
    natsSubscription* made = nullptr;
    natsConnection_Subscribe(&made, connection_.get(), subject.c_str(), &FakeHost::deliver,
                             kept.get());
    subscriptions_.emplace_back(made);
    natsConnection_Flush(connection_.get());
  }
  void event(std::string source, std::string name, boost::json::object data) {
    codec::CloudEvent event{codec::uuid4(), std::move(source), "com.wasmcloud.lattice." + name,
                            codec::rfc3339(std::chrono::system_clock::now()), std::move(data)};
    publish("wasmbus.evt.default", codec::write(event));
  }
  void publish(const std::string& subject, const std::string& body) {
    natsConnection_Publish(connection_.get(), subject.c_str(), body.data(),
                           static_cast<int>(body.size()));
  }

 private:
  struct Handler {
    FakeHost* host;
    Answer answer;
  };
  static void deliver(natsConnection* connection, natsSubscription*, natsMsg* message,
                      void* closure) {
    MessageHandle owned(message);
    std::string reply = static_cast<Handler*>(closure)->answer(
        {natsMsg_GetData(message), static_cast<std::size_t>(natsMsg_GetDataLength(message))});
    if (natsMsg_GetReply(message) == nullptr || reply.empty()) return;
    natsConnection_Publish(connection, natsMsg_GetReply(message), reply.data(),
                           static_cast<int>(reply.size()));
  }
  std::vector<std::unique_ptr<Handler>> handlers_;
  ConnectionHandle connection_;
  std::vector<SubscriptionHandle> subscriptions_;
};

class ClientTest : public testing::Test {
 protected:
  void SetUp() override {
    server_ = Server::start();
    if (server_ == nullptr) GTEST_SKIP() << "nats-server is not installed";
    host_ = std::make_unique<FakeHost>(server_->port());
    ConnectOptions options;
    options.port = server_->port();
    options.timeout = 300ms;
    Result<Client> client = Client::connect(options);
    ASSERT_TRUE(client) << client.error().detail;
    client_ = std::make_unique<Client>(std::move(*client));
  }
  std::unique_ptr<Server> server_;
  std::unique_ptr<FakeHost> host_;
  std::unique_ptr<Client> client_;
};

constexpr const char* kAccepted = R"({"accepted":true,"error":""})";

TEST_F(ClientTest, GathersTheAnswersOfAllHosts) {
  host_->on("wasmbus.ctl.default.ping.hosts",
            [](std::string_view) { return R"({"id":"N1","uptime_seconds":1})"; });
  host_->on("wasmbus.ctl.default.ping.hosts",
            [](std::string_view) { return R"({"id":"N2","uptime_seconds":2})"; });
  Result<std::vector<HostDescription>> hosts = client_->hosts(2s, 200ms);
  ASSERT_TRUE(hosts);
  EXPECT_EQ(hosts->size(), 2u);
}

TEST_F(ClientTest, NoHostIsAnEmptyListAtOnce) {
  auto begin = std::chrono::steady_clock::now();
  Result<std::vector<HostDescription>> hosts = client_->hosts(10s, 10s);
  ASSERT_TRUE(hosts);
  EXPECT_TRUE(hosts->empty());
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 5s);
}

TEST_F(ClientTest, SaysWhichAcknowledgementDidNotCome) {
  Result<void> sent = client_->send(StartActor{"r", "N1", 1, {}});
  ASSERT_FALSE(sent);
  EXPECT_EQ(sent.error().detail,
            "Did not receive start actor acknowledgement: nats: no responders");
  EXPECT_EQ(sent.error().code, Errc::unavailable);
  EXPECT_EQ(client_->send(StartProvider{"r", "default", "N1", "", {}}).error().detail,
            "Error sending or receiving message: nats: no responders");
  EXPECT_EQ(client_->put_link({"M1", "V1", "default", "c", {}, "", ""}).error().detail,
            "Error advertising link: Did not receive advertise link acknowledgement: nats: no "
            "responders");
  EXPECT_EQ(
      client_->delete_link({"M1", "", "default", "c", {}, "", ""}).error().detail,
      "Error deleting link: Did not receive remove link acknowledgement: nats: no responders");
  EXPECT_EQ(client_->inventory("N1").error().detail,
            "Did not receive host inventory from target host: nats: no responders");
  EXPECT_EQ(client_->claims().error().detail,
            "Did not receive claims from lattice: nats: no responders");
  EXPECT_EQ(client_->links().error().detail,
            "Did not receive a response to links query: nats: no responders");
}

TEST_F(ClientTest, ASilentHostIsATimeout) {
  host_->on("wasmbus.ctl.default.cmd.N1.*", [](std::string_view) { return ""; });
  Result<void> sent = client_->send(StopHost{"N1", 2000});
  ASSERT_FALSE(sent);
  EXPECT_EQ(sent.error().code, Errc::timeout);
  EXPECT_EQ(sent.error().detail, "Did not receive stop host acknowledgement: timed out");
  EXPECT_EQ(client_->send(StartProvider{"r", "default", "N1", "", {}}).error().detail,
            "Did not receive start provider acknowledgement: deadline has elapsed");
}

TEST_F(ClientTest, ARefusalIsAnError) {
  host_->on("wasmbus.ctl.default.>",
            [](std::string_view) { return R"({"accepted":false,"error":"no such thing"})"; });
  Result<void> sent = client_->send(StartActor{"r", "N1", 1, {}});
  ASSERT_FALSE(sent);
  EXPECT_EQ(sent.error().code, Errc::denied);
  EXPECT_EQ(sent.error().detail, "Operation failed: no such thing");
  EXPECT_EQ(client_->put_link({"M1", "V1", "default", "c", {}, "", ""}).error().detail,
            "Error advertising link: Operation failed: no such thing");
}

TEST_F(ClientTest, TheFirstBidWinsWithoutWaitingForTheWindow) {
  std::string asked;
  std::mutex mutex;
  host_->on("wasmbus.ctl.default.auction.actor", [&](std::string_view body) {
    std::lock_guard lock(mutex);
    asked = body;
    return R"({"actor_ref":"r","constraints":{},"host_id":"N1"})";
  });
  auto begin = std::chrono::steady_clock::now();
  Result<std::string> bid = client_->auction(ActorAuction{"r", {{"zone", "a"}}, ""}, 30s);
  ASSERT_TRUE(bid) << bid.error().detail;
  EXPECT_EQ(*bid, "N1");
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 10s);
  std::lock_guard lock(mutex);
  EXPECT_EQ(asked, R"({"actor_ref":"r","constraints":{"zone":"a"}})");
}

TEST_F(ClientTest, NoBidNamesTheReference) {
  EXPECT_EQ(client_->auction(ActorAuction{"reg/x:1", {}, ""}, 100ms).error().detail,
            "No suitable hosts found for actor reg/x:1");
  host_->on("wasmbus.ctl.default.auction.provider", [](std::string_view) { return ""; });
  EXPECT_EQ(client_->auction(ProviderAuction{"reg/p:1", "default", {}, ""}, 100ms).error().detail,
            "No suitable hosts found for provider reg/p:1");
}

class OutcomeTest : public ClientTest {
 protected:
  // Sends a start command to a host that acts as `act` says; what came of it.
  Result<void> start(std::function<void(FakeHost&)> act, milliseconds timeout) {
    host_->on("wasmbus.ctl.default.cmd.N1.la", [this, act](std::string_view) {
      act(*host_);
      return kAccepted;
    });
    Result<EventWatch> events = client_->watch_events();
    if (!events) return fail(events.error());
    TRY_OK(client_->send(StartActor{"reg/echo:1", "N1", 1, {}}));
    return wait_for_outcome(
        *events,
        {"N1", "actor_started", "actor_start_failed", "image_ref", "actor_ref", "reg/echo:1"},
        timeout);
  }
};

TEST_F(OutcomeTest, SeesAnEventSentBeforeTheAcknowledgement) {
  Result<void> started = start(
      [](FakeHost& host) {
        host.publish("wasmbus.evt.default", "not an event");
        host.event("N2", "actor_started", {{"image_ref", "reg/echo:1"}, {"public_key", "M1"}});
        host.event("N1", "actor_started", {{"image_ref", "reg/other:1"}});
        host.event("N1", "actor_started", {{"image_ref", "reg/echo:1"}, {"public_key", "M1"}});
      },
      5s);
  EXPECT_TRUE(started) << started.error().detail;
}

TEST_F(OutcomeTest, AFailureEventGivesItsErrorText) {
  Result<void> started = start(
      [](FakeHost& host) {
        host.event("N1", "actor_start_failed",
                   {{"actor_ref", "reg/echo:1"}, {"error", "\"Failed to fetch OCI bytes: x\""}});
      },
      5s);
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().detail, "\"Failed to fetch OCI bytes: x\"");
}

TEST_F(OutcomeTest, SilenceIsATimeoutWithTheTextOf2022) {
  Result<void> started = start(
      [](FakeHost& host) { host.event("N2", "actor_started", {{"image_ref", "reg/echo:1"}}); },
      100ms);
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().code, Errc::timeout);
  EXPECT_EQ(started.error().detail,
            "Timed out waiting for applicable event, operation may have failed");
}

TEST(Connecting, SaysWhyNobodyAnswers) {
  ConnectOptions options;
  options.port = 1;  // tcpmux: not on any machine of today
  Result<Client> client = Client::connect(options);
  ASSERT_FALSE(client);
  EXPECT_EQ(client.error().detail, "Connection refused (os error 111)");
  EXPECT_EQ(client.error().code, Errc::unavailable);
}

TEST(Connecting, AUserKeyProvesItself) {
  claims::KeyPair user = claims::KeyPair::generate(claims::KeyType::user);
  std::string config = testing::TempDir() + "control_nkey.conf";
  std::FILE* file = std::fopen(config.c_str(), "w");
  ASSERT_NE(file, nullptr);
  std::fprintf(file, "authorization { users = [ { nkey: %s } ] }\n", user.public_key().c_str());
  std::fclose(file);
  std::unique_ptr<Server> server = Server::start({"-c", config});
  if (server == nullptr) GTEST_SKIP() << "nats-server is not installed";
  ConnectOptions options;
  options.port = server->port();
  Result<Client> anonymous = Client::connect(options);
  ASSERT_FALSE(anonymous);
  EXPECT_EQ(anonymous.error().code, Errc::unauthenticated) << anonymous.error().detail;
  options.seed = user.seed();
  Result<Client> known = Client::connect(options);
  EXPECT_TRUE(known) << known.error().detail;
}

TEST(Connecting, ABadSeedIsSaidBeforeItIsUsed) {
  std::unique_ptr<Server> server = Server::start();
  if (server == nullptr) GTEST_SKIP() << "nats-server is not installed";
  ConnectOptions options;
  options.port = server->port();
  options.seed = "SUNOTASEED";
  Result<Client> client = Client::connect(options);
  ASSERT_FALSE(client);
  EXPECT_EQ(client.error().code, Errc::invalid);
}

TEST(Probe, KnowsANatsServer) {
  std::unique_ptr<Server> server = Server::start({"--name", "quiet-lake"});
  if (server == nullptr) GTEST_SKIP() << "nats-server is not installed";
  PortProbe probe = probe_port("127.0.0.1", server->port(), 5s);
  EXPECT_EQ(probe.state, PortState::nats);
  EXPECT_EQ(probe.server_name, "quiet-lake");
}

}  // namespace
}  // namespace trellis::control
