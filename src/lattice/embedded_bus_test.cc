// Goal: the bus in this process keeps what every Bus promises, and the bounds of its own. Method:
// the conformance suite, without a front door, and tests of stopping, filling up and listening.
#include "lattice/embedded_bus.h"

#include <gtest/gtest.h>

#include "lattice/bus_conformance.h"

namespace trellis::lattice {
namespace {

using runtime::Deadline;
using runtime::Task;
using namespace std::chrono_literals;

EmbeddedBusOptions without_door() {
  EmbeddedBusOptions options;
  options.address = "";
  return options;
}

struct EmbeddedBackend {
  Task<void> start() {
    CO_TRY(bus, co_await EmbeddedBus::start(without_door()));
    co_return Result<void>();
  }
  Bus& near() { return *bus; }
  Bus& far() { return *bus; }
  // Subscriptions count at once; what is queued is handled within a turn of the loop.
  Task<void> settle() { return runtime::Core::current().sleep_until(Deadline::in(1ms)); }
  std::size_t payload_bytes_max() { return limits::kBusPayloadBytesMax; }
  Task<void> stop() { return bus->stop(Deadline::in(5s)); }
  std::unique_ptr<EmbeddedBus> bus;
};

INSTANTIATE_TYPED_TEST_SUITE_P(Embedded, BusConformance, EmbeddedBackend);

class EmbeddedBusTest : public CoreTest {
 protected:
  void run(std::function<Task<void>()> test) {
    const auto done = on_core<void>(std::move(test));
    EXPECT_TRUE(done) << done.error().describe();
  }
};

TEST_F(EmbeddedBusTest, RefusesTheNewestWhenHandlersAreTooFarBehind) {
  run([]() -> Task<void> {
    auto options = without_door();
    options.pending_bytes_max = 1'000'000;
    CO_TRY(const auto bus, co_await EmbeddedBus::start(options));
    Received received;
    CO_TRY(const auto subscription, bus->subscribe("s", "", received.handler()));
    std::size_t taken = 0;
    Result<void> published;
    while ((published = bus->publish({"s", "", {}, Bytes(10'000)}))) {
      if (++taken > 1'000) break;
    }
    EXPECT_FALSE(published);
    if (!published) EXPECT_EQ(published.error().code, Errc::exhausted);
    EXPECT_GT(taken, 80u);
    CO_TRY_OK(co_await received.wait_for(taken));
    CO_TRY_OK(bus->publish({"s", "", {}, {}}));
    CO_TRY_OK(co_await received.wait_for(taken + 1));
    co_return co_await bus->stop(Deadline::in(5s));
  });
}

TEST_F(EmbeddedBusTest, NeverCallsAHandlerFromWithinPublish) {
  run([]() -> Task<void> {
    CO_TRY(const auto bus, co_await EmbeddedBus::start(without_door()));
    int depth = 0, deepest = 0;
    Received received;
    const auto note = received.handler();
    CO_TRY(const auto subscription, bus->subscribe("chain", "", [&](const Message& message) {
      deepest = std::max(deepest, ++depth);
      if (message.data.size() < 50)
        EXPECT_TRUE(bus->publish({"chain", "", {}, Bytes(message.data.size() + 1)}));
      --depth;
      note(message);
    }));
    CO_TRY_OK(bus->publish({"chain", "", {}, {}}));
    EXPECT_EQ(received.count(), 0u);
    CO_TRY_OK(co_await received.wait_for(51));
    EXPECT_EQ(deepest, 1);
    co_return co_await bus->stop(Deadline::in(5s));
  });
}

TEST_F(EmbeddedBusTest, StopEndsRequestsThatWaitAndRefusesWhatComesLater) {
  run([]() -> Task<void> {
    CO_TRY(const auto bus, co_await EmbeddedBus::start(without_door()));
    CO_TRY(const auto subscription, bus->subscribe("silent", "", [](const Message&) {}));
    Received ended;
    const auto note = ended.handler();
    const auto ask = [](EmbeddedBus& on, std::function<void(const Message&)> done) -> Task<void> {
      const auto answer = co_await on.request({"silent", "", {}, {}}, Deadline::in(60s));
      EXPECT_FALSE(answer);
      if (!answer) EXPECT_EQ(answer.error().code, Errc::unavailable);
      done({});
      co_return Result<void>();
    };
    runtime::Core::current().spawn("ask", ask(*bus, note));
    CO_TRY_OK(co_await bus->stop(Deadline::in(5s)));
    CO_TRY_OK(co_await ended.wait_for(1));
    const auto refused = bus->publish({"silent", "", {}, {}});
    EXPECT_FALSE(refused);
    if (!refused) EXPECT_EQ(refused.error().code, Errc::unavailable);
    EXPECT_FALSE(bus->subscribe("x", "", [](const Message&) {}));
    co_return Result<void>();
  });
}

TEST_F(EmbeddedBusTest, SubscriptionsMayOutliveIt) {
  run([]() -> Task<void> {
    CO_TRY(auto bus, co_await EmbeddedBus::start(without_door()));
    CO_TRY(auto subscription, bus->subscribe("s", "", [](const Message&) {}));
    CO_TRY_OK(bus->publish({"s", "", {}, {}}));
    bus.reset();
    subscription.reset();
    co_return Result<void>();
  });
}

TEST_F(EmbeddedBusTest, TellsWhetherAnybodyListens) {
  run([]() -> Task<void> {
    CO_TRY(const auto bus, co_await EmbeddedBus::start(without_door()));
    std::vector<bool> told;
    bus->watch_interest("evt.lab", [&](bool listening) { told.push_back(listening); });
    CO_TRY(auto other, bus->subscribe("evt.other", "", [](const Message&) {}));
    CO_TRY(auto exact, bus->subscribe("evt.lab", "", [](const Message&) {}));
    CO_TRY(auto wide, bus->subscribe("evt.>", "group", [](const Message&) {}));
    exact.reset();
    wide.reset();
    EXPECT_EQ(told, (std::vector<bool>{false, true, false}));
    co_return co_await bus->stop(Deadline::in(5s));
  });
}

TEST_F(EmbeddedBusTest, SaysWhereItListens) {
  run([]() -> Task<void> {
    auto options = without_door();
    CO_TRY(const auto closed, co_await EmbeddedBus::start(options));
    EXPECT_EQ(closed->port(), 0);
    EXPECT_EQ(closed->describe(), "embedded bus without a front door");
    options.address = "127.0.0.1:0";
    CO_TRY(const auto open, co_await EmbeddedBus::start(options));
    EXPECT_NE(open->port(), 0);
    EXPECT_EQ(open->describe(), "embedded bus on 127.0.0.1:" + std::to_string(open->port()));
    co_return Result<void>();
  });
}

TEST_F(EmbeddedBusTest, TakenAddressIsToldInWords) {
  run([]() -> Task<void> {
    auto options = without_door();
    options.address = "127.0.0.1:0";
    CO_TRY(const auto first, co_await EmbeddedBus::start(options));
    options.address = "127.0.0.1:" + std::to_string(first->port());
    const auto second = co_await EmbeddedBus::start(options);
    EXPECT_FALSE(second);
    if (!second)
      EXPECT_EQ(second.error().detail,
                "cannot listen on " + options.address +
                    ": address already in use; is another host or a NATS server "
                    "running there?");
    for (const auto* address : {"4222", "nonsense:x", "1.2.3:4", "127.0.0.1:99999"}) {
      options.address = address;
      const auto refused = co_await EmbeddedBus::start(options);
      EXPECT_FALSE(refused) << address;
      if (!refused) EXPECT_EQ(refused.error().code, Errc::invalid);
    }
    co_return Result<void>();
  });
}

}  // namespace
}  // namespace trellis::lattice
