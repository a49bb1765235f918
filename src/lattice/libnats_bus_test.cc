// Goal: a client library of others, libnats, finds in the front door what it expects of a NATS
// server. Method: LibnatsBus (made of it, below) passes the suite every Bus passes, alone and
// beside users of the bus in this process; and what only a connection can show: credentials and a
// restart.
#include "lattice/libnats_bus.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <thread>
#include <utility>

#include "lattice/bus_conformance.h"
#include "lattice/embedded_bus.h"
#include "lattice/nats_text.h"
#include "lattice/subjects.h"
#include "runtime/parking.h"

namespace trellis::lattice {

using runtime::Deadline;
using runtime::Task;

namespace {

Result<void> check_status(natsStatus status, const char* what) {
  if (status == NATS_OK) return {};
  const auto code = status == NATS_MAX_PAYLOAD || status == NATS_INVALID_SUBJECT ? Errc::invalid
                    : status == NATS_CONNECTION_AUTH_FAILED ? Errc::unauthenticated
                                                            : Errc::unavailable;
  return fail(code, "test.libnats", fmt::format("{}: {}", what, natsStatus_GetText(status)));
}

Message to_message(natsMsg* from) {
  Message message;
  message.subject = natsMsg_GetSubject(from);
  if (const auto* reply = natsMsg_GetReply(from)) message.reply = reply;
  const auto* data = natsMsg_GetData(from);
  message.data.assign(data, data + natsMsg_GetDataLength(from));
  const char** keys = nullptr;
  int count = 0;
  if (natsMsgHeader_Keys(from, &keys, &count) == NATS_OK) {
    for (int i = 0; i < count; ++i) {
      const char* value = nullptr;
      if (natsMsgHeader_Get(from, keys[i], &value) == NATS_OK)
        message.headers.emplace_back(keys[i], value);
    }
    free(keys);
  }
  if (natsMsg_IsNoResponders(from)) message.headers = {{"Status", "503"}};
  return message;
}

}  // namespace

// Crosses from libnats' thread to the core.
struct LibnatsBus::Listener : std::enable_shared_from_this<LibnatsBus::Listener> {
  std::function<void(const Message&)> handler;
  runtime::Core& core = runtime::Core::current();
  natsSubscription* subscription = nullptr;
  std::shared_ptr<Listener> self;            // until libnats says that it calls no more
  std::shared_ptr<std::atomic<int>> called;  // how many of the bus are still called
  bool cancelled = false;                    // on the core

  static void on_message(natsConnection*, natsSubscription*, natsMsg* message, void* closure) {
    auto listener = static_cast<Listener*>(closure)->shared_from_this();
    listener->core.post([listener, copy = to_message(message)] {
      if (!listener->cancelled) listener->handler(copy);
    });
    natsMsg_Destroy(message);
  }
  static void on_complete(void* closure) {
    const auto listener = std::exchange(static_cast<Listener*>(closure)->self, nullptr);
    --*listener->called;
  }
};

Task<std::unique_ptr<LibnatsBus>> LibnatsBus::connect(Options options) {
  std::unique_ptr<LibnatsBus> bus(new LibnatsBus);
  bus->reconnected_ = options.reconnected;
  auto work = [&]() -> Result<void> {
    natsOptions* made = nullptr;
    natsOptions_Create(&made);
    const std::unique_ptr<natsOptions, decltype(&natsOptions_Destroy)> settings(
        made, &natsOptions_Destroy);
    natsOptions_SetURL(made, options.url.c_str());
    natsOptions_SetName(made, "libnats in a test");
    if (!options.user.empty())
      natsOptions_SetUserInfo(made, options.user.c_str(), options.password.c_str());
    if (!options.token.empty()) natsOptions_SetToken(made, options.token.c_str());
    natsOptions_SetReconnectWait(made, options.reconnect_wait.count());
    natsOptions_SetReconnectJitter(made, 0, 0);
    natsOptions_SetMaxReconnect(made, 1'000);
    natsOptions_SetReconnectedCB(made, &LibnatsBus::on_reconnected, bus.get());
    TRY_OK(check_status(natsConnection_Connect(&bus->connection_, made), "connect"));
    bus->payload_bytes_max_ = natsConnection_GetMaxPayload(bus->connection_);
    return {};
  };
  CO_TRY_OK(co_await bus->offload_.run<void>(work));
  co_return bus;
}

LibnatsBus::~LibnatsBus() { EXPECT_EQ(connection_, nullptr) << "close() it first"; }

Task<void> LibnatsBus::round_trip() {
  auto work = [this] {
    return check_status(natsConnection_FlushTimeout(connection_, 10'000), "flush");
  };
  co_return co_await offload_.run<void>(work);
}

Task<void> LibnatsBus::close() {
  auto work = [this]() -> Result<void> {
    natsConnection_Destroy(std::exchange(connection_, nullptr));
    // The threads of its subscriptions may be in the middle of a call, which needs the core.
    while (*called_ > 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    return {};
  };
  co_return co_await offload_.run<void>(work);
}

void LibnatsBus::on_reconnected(natsConnection*, void* closure) {
  auto* bus = static_cast<LibnatsBus*>(closure);
  if (bus->reconnected_) bus->core_.post(bus->reconnected_);
}

// Handed to a thread, in order: libnats waits until the socket takes what it writes, and the server
// that would read it lives on this core.
Result<void> LibnatsBus::publish(Message message) {
  if (!valid_subject(message.subject)) return fail(Errc::invalid, "test.libnats", "no subject");
  TRY_OK(check_headers(message.headers));
  if (static_cast<std::int64_t>(message.data.size()) > payload_bytes_max_)
    return check_status(NATS_MAX_PAYLOAD, "publish");
  natsMsg* made = nullptr;
  TRY_OK(check_status(natsMsg_Create(&made, message.subject.c_str(),
                                     message.reply.empty() ? nullptr : message.reply.c_str(),
                                     reinterpret_cast<const char*>(message.data.data()),
                                     static_cast<int>(message.data.size())),
                      "create"));
  for (const auto& [name, value] : message.headers)
    natsMsgHeader_Add(made, name.c_str(), value.c_str());
  const std::shared_ptr<natsMsg> owned(made, &natsMsg_Destroy);
  std::function<Result<void>()> work = [this, owned] {
    return check_status(natsConnection_PublishMsg(connection_, owned.get()), "publish");
  };
  runtime::Core::current().spawn("libnats publish", offload_.run<void>(std::move(work)));
  return {};
}

Result<Subscription> LibnatsBus::subscribe(std::string subject, std::string queue_group,
                                           std::function<void(const Message&)> handler) {
  if (!valid_pattern(subject)) return fail(Errc::invalid, "test.libnats", "no subject");
  auto listener = std::make_shared<Listener>();
  listener->handler = std::move(handler);
  listener->called = called_;
  auto status =
      queue_group.empty()
          ? natsConnection_Subscribe(&listener->subscription, connection_, subject.c_str(),
                                     &Listener::on_message, listener.get())
          : natsConnection_QueueSubscribe(&listener->subscription, connection_, subject.c_str(),
                                          queue_group.c_str(), &Listener::on_message,
                                          listener.get());
  if (status == NATS_OK) {
    natsSubscription_SetPendingLimits(listener->subscription, -1, -1);
    listener->self = listener;
    ++*called_;
    status = natsSubscription_SetOnCompleteCB(listener->subscription, &Listener::on_complete,
                                              listener.get());
    if (status != NATS_OK) Listener::on_complete(listener.get());
  }
  TRY_OK(check_status(status, "subscribe"));
  return Subscription([listener] {
    listener->cancelled = true;
    natsSubscription_Destroy(std::exchange(listener->subscription, nullptr));
  });
}

Task<std::vector<Message>> LibnatsBus::ask(Message message, std::size_t wanted, Deadline deadline) {
  natsInbox* inbox = nullptr;
  natsInbox_Create(&inbox);
  message.reply = inbox;
  natsInbox_Destroy(inbox);
  runtime::Parking parking(runtime::Core::current());
  std::vector<Message> answers;
  const auto subject = message.subject;
  CO_TRY(const auto subscription, subscribe(message.reply, "", [&](const Message& answer) {
           answers.push_back(answer);
           if (answers.size() == wanted ||
               (!answer.headers.empty() && answer.headers[0].second == "503"))
             parking.wake();
         }));
  CO_TRY_OK(publish(std::move(message)));
  co_await parking.wait(deadline);
  if (!answers.empty() && answers[0].headers == Headers{{"Status", "503"}})
    co_return fail(Errc::unavailable, "test.libnats", "no responders on " + subject);
  co_return answers;
}

Task<Message> LibnatsBus::request(Message message, Deadline deadline) {
  CO_TRY(auto answers, co_await ask(std::move(message), 1, deadline));
  if (answers.empty()) co_return fail(Errc::timeout, "test.libnats", "no answer");
  co_return std::move(answers.front());
}

Task<std::vector<Message>> LibnatsBus::collect(Message message, Deadline deadline) {
  auto answers = co_await ask(std::move(message), 10'000, deadline);
  if (!answers && answers.error().code == Errc::unavailable) co_return std::vector<Message>();
  co_return answers;
}

namespace {

EmbeddedBusOptions any_port() {
  EmbeddedBusOptions options;
  options.address = "127.0.0.1:0";
  return options;
}

std::string url_of(const EmbeddedBus& bus) {
  return fmt::format("nats://127.0.0.1:{}", bus.port());
}

// Two libnats connections to one embedded bus.
struct LibnatsBackend {
  Task<void> start() {
    CO_TRY(bus, co_await EmbeddedBus::start(any_port()));
    CO_TRY(first, co_await LibnatsBus::connect({.url = url_of(*bus)}));
    CO_TRY(second, co_await LibnatsBus::connect({.url = url_of(*bus)}));
    co_return Result<void>();
  }
  Bus& near() { return *first; }
  Bus& far() { return *second; }
  Task<void> settle() {
    CO_TRY_OK(co_await first->round_trip());
    CO_TRY_OK(co_await second->round_trip());
    // What the first flush brought to libnats' threads has been posted to the core by now or soon
    // after.
    CO_TRY_OK(co_await first->round_trip());
    co_return Result<void>();
  }
  std::size_t payload_bytes_max() { return limits::kBusPayloadBytesMax; }
  Task<void> stop() {
    CO_TRY_OK(co_await first->close());
    CO_TRY_OK(co_await second->close());
    co_return co_await bus->stop(Deadline::in(std::chrono::seconds(5)));
  }
  std::unique_ptr<EmbeddedBus> bus;
  std::unique_ptr<LibnatsBus> first, second;
};

// One user in this process and one behind the front door.
struct MixedBackend {
  Task<void> start() {
    CO_TRY(bus, co_await EmbeddedBus::start(any_port()));
    CO_TRY(client, co_await LibnatsBus::connect({.url = url_of(*bus)}));
    co_return Result<void>();
  }
  Bus& near() { return *bus; }
  Bus& far() { return *client; }
  Task<void> settle() { return client->round_trip(); }
  std::size_t payload_bytes_max() { return limits::kBusPayloadBytesMax; }
  Task<void> stop() {
    CO_TRY_OK(co_await client->close());
    co_return co_await bus->stop(Deadline::in(std::chrono::seconds(5)));
  }
  std::unique_ptr<EmbeddedBus> bus;
  std::unique_ptr<LibnatsBus> client;
};

INSTANTIATE_TYPED_TEST_SUITE_P(Libnats, BusConformance, LibnatsBackend);
INSTANTIATE_TYPED_TEST_SUITE_P(Mixed, BusConformance, MixedBackend);

class LibnatsTest : public CoreTest {
 protected:
  void run(std::function<Task<void>()> test) {
    const auto done = on_core<void>(std::move(test));
    EXPECT_TRUE(done) << done.error().describe();
  }
};

TEST_F(LibnatsTest, IsLetInOnlyWithTheRightCredentials) {
  run([]() -> Task<void> {
    auto options = any_port();
    options.user = "lattice";
    options.password = "secret";
    CO_TRY(const auto bus, co_await EmbeddedBus::start(options));
    const auto url = url_of(*bus);
    CO_TRY(const auto good,
           co_await LibnatsBus::connect({.url = url, .user = "lattice", .password = "secret"}));
    CO_TRY_OK(co_await good->round_trip());
    const auto wrong =
        co_await LibnatsBus::connect({.url = url, .user = "lattice", .password = "guess"});
    EXPECT_FALSE(wrong);
    if (!wrong) EXPECT_EQ(wrong.error().code, Errc::unauthenticated) << wrong.error().detail;
    const auto nobody = co_await LibnatsBus::connect({.url = url});
    EXPECT_FALSE(nobody);
    CO_TRY_OK(co_await good->close());
    co_return co_await bus->stop(Deadline::in(std::chrono::seconds(5)));
  });
}

TEST_F(LibnatsTest, ComesBackWithItsSubscriptionsAfterARestart) {
  run([]() -> Task<void> {
    CO_TRY(auto bus, co_await EmbeddedBus::start(any_port()));
    const auto port = bus->port();
    Received received, reconnected;
    LibnatsBus::Options wanted{.url = url_of(*bus)};
    wanted.reconnected = [note = reconnected.handler()] { note({}); };
    CO_TRY(const auto client, co_await LibnatsBus::connect(wanted));
    CO_TRY(auto subscription, client->subscribe("news", "", received.handler()));
    CO_TRY_OK(co_await client->round_trip());
    CO_TRY_OK(bus->publish({"news", "", {}, to_bytes("before")}));
    CO_TRY_OK(co_await received.wait_for(1));
    CO_TRY_OK(co_await bus->stop(Deadline::in(std::chrono::seconds(5))));
    bus.reset();
    auto options = any_port();
    options.address = fmt::format("127.0.0.1:{}", port);
    CO_TRY(bus, co_await EmbeddedBus::start(options));
    CO_TRY_OK(co_await reconnected.wait_for(1));
    CO_TRY_OK(co_await client->round_trip());
    CO_TRY_OK(bus->publish({"news", "", {}, to_bytes("after")}));
    CO_TRY_OK(co_await received.wait_for(2));
    EXPECT_EQ(as_text(received.messages()[1].data), "after");
    subscription.reset();
    CO_TRY_OK(co_await client->close());
    co_return co_await bus->stop(Deadline::in(std::chrono::seconds(5)));
  });
}

}  // namespace
}  // namespace trellis::lattice
