// Goal: the provider keeps its promises over the bus that a host carries itself, and says why a
// link leads nowhere.
#include "messaging/messaging_provider.h"

#include "lattice/embedded_bus.h"
#include "messaging/messaging_conformance.h"

namespace trellis::messaging {
namespace {

using namespace std::chrono_literals;

class OverTheHostsBus {
 public:
  explicit OverTheHostsBus(runtime::Cores& cores) : cores_(cores) {
    auto started = cores_.run_blocking<void>(0, [this] { return start(this); });
    EXPECT_TRUE(started) << started.error().describe();
  }
  ~OverTheHostsBus() {
    EXPECT_TRUE(cores_.run_blocking<void>(0, [this] { return stop(this); }));
  }
  std::string url() const { return "nats://127.0.0.1:" + std::to_string(bus_->port()); }
  capability::BusAccess access() const { return {.url = url()}; }

 private:
  static runtime::Task<void> start(OverTheHostsBus* self) {
    lattice::EmbeddedBusOptions options;
    options.address = "127.0.0.1:0";
    CO_TRY(self->bus_, co_await lattice::EmbeddedBus::start(std::move(options)));
    co_return Result<void>{};
  }
  static runtime::Task<void> stop(OverTheHostsBus* self) {
    auto stopped = co_await self->bus_->stop(runtime::Deadline::in(5s));
    self->bus_.reset();
    co_return stopped;
  }
  runtime::Cores& cores_;
  std::unique_ptr<lattice::EmbeddedBus> bus_;
};

INSTANTIATE_TYPED_TEST_SUITE_P(EmbeddedBus, MessagingConformance, OverTheHostsBus);

class MessagingLinkTest : public MessagingConformance<OverTheHostsBus> {};

TEST_F(MessagingLinkTest, ALinkToNobodySaysWhyAndGoesOnTrying) {
  const auto why = put({{"URI", "127.0.0.1:1"}, {"SUBSCRIPTION", "a"}});
  EXPECT_NE(why.find("cannot connect to 127.0.0.1:1: Connection refused"), std::string::npos)
      << why;
  EXPECT_NE(why.find("tried again"), std::string::npos) << why;
  EXPECT_FALSE(on_core<void>([this] { return provider_.health(); }));
  EXPECT_EQ(put({{"SUBSCRIPTION", "a"}}), "");
}

TEST_F(MessagingLinkTest, ALinkWithAMistakeServesNothing) {
  ASSERT_EQ(put({{"SUBSCRIPTION", "a"}}), "");
  EXPECT_NE(put({{"SUBSCRIPTION", "a..b"}}).find("is not a NATS subject"), std::string::npos);
  EXPECT_NE(publish("b", "x").find("does not work"), std::string::npos);
  Outsider(backend_.url()).publish("a", "x");
  EXPECT_TRUE(actors_.heard().empty());
}

TEST_F(MessagingLinkTest, UnknownValuesAreWarnedAbout) {
  ASSERT_EQ(put({{"SUBSRIPTION", "a"}}), "");
  EXPECT_NE(provider_.warning_about(link_).find("'SUBSRIPTION'"), std::string::npos);
}

}  // namespace
}  // namespace trellis::messaging
