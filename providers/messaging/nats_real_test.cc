// Goal: the same promises over a real nats-server, and what only a server of one's own shows:
// restarts, credentials.
#include <filesystem>

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

}  // namespace
}  // namespace trellis::messaging
