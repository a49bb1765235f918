// Goal: the same promises over a real nats-server, and what only a server of one's own shows:
// restarts, credentials.
#include <filesystem>
#include <fstream>

#include "claims/nkey.h"
#include "messaging/messaging_conformance.h"
#include "runtime/server_process.h"

namespace trellis::messaging {
namespace {

using namespace std::chrono_literals;

class NatsServer : public runtime::ServerProcess {
 public:
  explicit NatsServer(const std::vector<std::string>& more = {},
                      std::uint16_t port = runtime::free_port())
      : ServerProcess(command(port, more), port) {}
  std::string url() const { return "nats://127.0.0.1:" + std::to_string(port()); }

 private:
  static std::vector<std::string> command(std::uint16_t port,
                                          const std::vector<std::string>& more) {
    std::vector<std::string> words{"nats-server",        "-a", "127.0.0.1", "-p",
                                   std::to_string(port), "-l", "/dev/null"};
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }
};

class OverNats {
 public:
  explicit OverNats(runtime::Cores&) {}
  std::string url() const { return server.url(); }
  capability::BusAccess access() const { return {.url = url()}; }
  NatsServer server;
};

INSTANTIATE_TYPED_TEST_SUITE_P(Nats, MessagingConformance, OverNats);

class NatsServerTest : public MessagingConformance<OverNats> {};

TEST_F(NatsServerTest, ConnectsAgainAndSubscribesAgainAfterARestart) {
  ASSERT_EQ(put({{"SUBSCRIPTION", "a"}}), "");
  backend_.server.stop();
  EXPECT_TRUE(comes_true([this] { return !on_core<void>([this] { return provider_.health(); }); }));
  backend_.server.start();
  EXPECT_TRUE(comes_true(
      [this] { return on_core<void>([this] { return provider_.health(); }).has_value(); }));
  Outsider outsider(backend_.url());
  EXPECT_TRUE(comes_true([&] {
    outsider.publish("a", "x");
    return !actors_.heard().empty();
  }));
}

TEST_F(NatsServerTest, ALinkMadeBeforeItsServerWorksWhenTheServerComes) {
  backend_.server.stop();
  const auto why = put({{"SUBSCRIPTION", "a"}});
  EXPECT_NE(why.find("Connection refused"), std::string::npos) << why;
  backend_.server.start();
  EXPECT_TRUE(comes_true([this] { return put({{"SUBSCRIPTION", "a"}}).empty(); }));
  Outsider(backend_.url()).publish("a", "x");
  EXPECT_TRUE(hears(1));
}

TEST_F(NatsServerTest, LetsItselfInWithNameAndPasswordAndIsToldWhenTheyAreWrong) {
  NatsServer guarded({"--user", "me", "--pass", "secret"});
  const auto at = "127.0.0.1:" + std::to_string(guarded.port());
  EXPECT_EQ(put({{"URI", "nats://me:secret@" + at}}), "");
  EXPECT_EQ(publish("a", "x"), "");
  const auto wrong = put({{"URI", "nats://me:guess@" + at}});
  EXPECT_NE(wrong.find("uthorization"), std::string::npos) << wrong;
  EXPECT_EQ(wrong.find("guess"), std::string::npos) << wrong;
  EXPECT_NE(put({{"URI", at}}), "");
}

// The lattice's NATS lets in who has a key; links without a URI go there with the lattice's own.
TEST_F(NatsServerTest, UsesTheLatticesCredentialsForTheLatticesServer) {
  const auto key = claims::KeyPair::generate(claims::KeyType::user);
  const auto folder = std::filesystem::path(::testing::TempDir()) / key.public_key();
  std::filesystem::create_directories(folder);
  std::ofstream(folder / "nats.conf")
      << "authorization { users: [ { nkey: " << key.public_key() << " } ] }";
  NatsServer guarded({"-c", (folder / "nats.conf").string()});
  const auto put_over = [&](capability::BusAccess bus) {
    MessagingProvider provider({.cores = *cores_,
                                .actors = actors_,
                                .link_name = "default",
                                .config_json = "",
                                .rpc_timeout = 2s,
                                .data_dir = "",
                                .bus = std::move(bus)});
    link_.actor_id = "M1";
    link_.values = {{"SUBSCRIPTION", "a"}};
    const auto done = on_core<void>([&] { return provider.link_put(link_); });
    EXPECT_TRUE(on_core<void>([&] { return provider.stop(runtime::Deadline::in(10s)); }));
    return done ? "" : done.error().detail;
  };
  EXPECT_EQ(put_over({.url = guarded.url(), .seed = key.seed()}), "");
  EXPECT_NE(put_over({.url = guarded.url()}), "");
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace trellis::messaging
