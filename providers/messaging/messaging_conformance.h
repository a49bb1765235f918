// For tests: what the messaging provider promises, as one suite, over any NATS server. A backend:
//
//   struct Backend {
//     explicit Backend(runtime::Cores& cores);
//     std::string url();
//     capability::BusAccess access();  // of the lattice's own, for links without a URI
//   };
//   INSTANTIATE_TYPED_TEST_SUITE_P(Name, MessagingConformance, Backend);
#pragma once

#include <gtest/gtest.h>
#include <nats/nats.h>

#include <atomic>
#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "capability/messaging_contract.h"
#include "codec/msgpack.h"
#include "messaging/messaging_provider.h"
#include "runtime/task_group.h"
#include "runtime/testing.h"

namespace trellis::messaging {

inline bool comes_true(const std::function<bool()>& condition) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return true;
}

// The actors of a host: keeps what it is told and, when there is a reply subject, says "pong"
// there.
class Hearing final : public capability::Actors {
 public:
  struct Heard {
    std::string actor, operation, subject, reply, body;
  };
  runtime::Task<Bytes> call(std::string_view actor, std::string_view operation, BytesView payload,
                            runtime::Deadline) override {
    auto message = capability::decode_pub_message(payload);
    EXPECT_TRUE(message);
    ++under_way;
    if (as_text(message->body) == "marker") marked = true;
    while (holding) {
      if (auto slept = co_await runtime::Core::current().sleep_until(
              runtime::Deadline::in(std::chrono::milliseconds(2)));
          !slept)
        break;
    }
    --under_way;
    {
      const std::lock_guard lock(mutex_);
      heard_.push_back({std::string(actor), std::string(operation), std::string(message->subject),
                        std::string(message->reply_to), std::string(as_text(message->body))});
    }
    if (message->subject == "fails") co_return fail(Errc::trapped, "test", "broken on purpose");
    if (on_message) co_return co_await on_message(std::string(message->reply_to));
    co_return Bytes{};
  }
  std::vector<Heard> heard() {
    const std::lock_guard lock(mutex_);
    return heard_;
  }
  std::atomic<bool> holding{false}, marked{false};
  std::atomic<int> under_way{0};
  std::function<runtime::Task<Bytes>(std::string reply)> on_message;

 private:
  std::mutex mutex_;
  std::vector<Heard> heard_;
};

inline runtime::Task<Bytes> publish_pong(capability::Provider* provider, const lattice::Link* link,
                                         std::string to) {
  const Bytes payload = capability::encode_message(to, "", as_bytes("pong"));
  co_return co_await provider->handle(*link, "Messaging.Publish", payload,
                                      runtime::Deadline::in(std::chrono::seconds(5)));
}

// Somebody else on the same NATS server.
class Outsider {
 public:
  explicit Outsider(const std::string& url) {
    EXPECT_EQ(natsConnection_ConnectTo(&connection_, url.c_str()), NATS_OK);
  }
  ~Outsider() {
    natsSubscription_Destroy(subscription_);
    natsConnection_Destroy(connection_);
  }
  void publish(const std::string& subject, const std::string& body) {
    EXPECT_EQ(natsConnection_PublishString(connection_, subject.c_str(), body.c_str()), NATS_OK);
    natsConnection_FlushTimeout(connection_, 5'000);
  }
  std::string ask(const std::string& subject, const std::string& body) {
    natsMsg* answer = nullptr;
    const auto status =
        natsConnection_RequestString(&answer, connection_, subject.c_str(), body.c_str(), 5'000);
    if (status != NATS_OK) return natsStatus_GetText(status);
    std::string text(natsMsg_GetData(answer),
                     static_cast<std::size_t>(natsMsg_GetDataLength(answer)));
    natsMsg_Destroy(answer);
    return text;
  }
  void listen(const std::string& subject) {
    EXPECT_EQ(natsConnection_SubscribeSync(&subscription_, connection_, subject.c_str()), NATS_OK);
    natsConnection_FlushTimeout(connection_, 5'000);
  }
  // "<subject> <reply> <body>" of the next message; answered with `answer` if there is one.
  std::string next(const std::string& answer = "") {
    natsMsg* message = nullptr;
    if (natsSubscription_NextMsg(&message, subscription_, 5'000) != NATS_OK) return "nothing";
    const char* reply = natsMsg_GetReply(message);
    std::string text = natsMsg_GetSubject(message);
    text += ' ';
    text += reply == nullptr ? "-" : answer.empty() ? reply : "+";
    text += ' ';
    text.append(natsMsg_GetData(message), static_cast<std::size_t>(natsMsg_GetDataLength(message)));
    if (!answer.empty() && reply != nullptr)
      natsConnection_PublishString(connection_, reply, answer.c_str());
    natsMsg_Destroy(message);
    return text;
  }

 private:
  natsConnection* connection_ = nullptr;
  natsSubscription* subscription_ = nullptr;
};

template <class Backend>
class MessagingConformance : public ::testing::Test {
 protected:
  using Values = std::map<std::string, std::string>;

  MessagingConformance()
      : cores_(runtime::test_cores(2)),
        backend_(*cores_),
        provider_({.cores = *cores_,
                   .actors = actors_,
                   .link_name = "default",
                   .config_json = "",
                   .rpc_timeout = std::chrono::seconds(2),
                   .data_dir = "",
                   .bus = backend_.access()}) {}
  ~MessagingConformance() override {
    actors_.holding = false;
    EXPECT_TRUE(this->template on_core<void>(
        [this] { return provider_.stop(runtime::Deadline::in(std::chrono::seconds(10))); }));
  }
  template <class T>
  Result<T> on_core(std::function<runtime::Task<T>()> make, unsigned core = 0) {
    return cores_->template run_blocking<T>(core, std::move(make));
  }
  std::string put(Values values) {
    link_.actor_id = "M1";
    link_.values = std::move(values);
    const auto done = this->template on_core<void>([this] { return provider_.link_put(link_); });
    return done ? "" : done.error().detail;
  }
  Result<Bytes> call(std::string_view operation, const Bytes& payload, unsigned core = 0) {
    return this->template on_core<Bytes>(
        [&] {
          return provider_.handle(link_, operation, payload,
                                  runtime::Deadline::in(std::chrono::seconds(10)));
        },
        core);
  }
  static Bytes pub_message(std::string_view subject, std::string_view reply,
                           std::string_view body) {
    return capability::encode_message(subject, reply, as_bytes(body));
  }
  static Bytes request_message(std::string_view subject, std::string_view body,
                               std::uint32_t timeout_ms) {
    Bytes bytes;
    codec::MsgpackWriter out(bytes);
    out.array(3);
    out.str(subject);
    out.bin(as_bytes(body));
    out.uint(timeout_ms);
    return bytes;
  }
  std::string publish(std::string_view subject, std::string_view body, std::string_view reply = "",
                      unsigned core = 0) {
    const auto done = call("Messaging.Publish", pub_message(subject, reply, body), core);
    EXPECT_TRUE(!done || done->empty());
    return done ? "" : done.error().detail;
  }
  std::string ask(std::string_view subject, std::string_view body, std::uint32_t timeout_ms,
                  unsigned core = 0) {
    const auto answer = call("Messaging.Request", request_message(subject, body, timeout_ms), core);
    if (!answer) return answer.error().detail;
    const auto message = capability::decode_pub_message(*answer);
    EXPECT_TRUE(message);
    return std::string(as_text(message->body));
  }
  bool hears(std::size_t count) {
    return comes_true([&] { return actors_.heard().size() >= count; });
  }

  std::unique_ptr<runtime::Cores> cores_;
  Backend backend_;
  Hearing actors_;
  MessagingProvider provider_;
  lattice::Link link_;
};

TYPED_TEST_SUITE_P(MessagingConformance);

TYPED_TEST_P(MessagingConformance, BringsTheMessagesOfASubscriptionToTheActor) {
  ASSERT_EQ(this->put({{"SUBSCRIPTION", "chat.*,exact"}, {"URI", this->backend_.url()}}), "");
  Outsider outsider(this->backend_.url());
  outsider.publish("chat.lobby", "hello");
  outsider.publish("chat.lobby.deeper", "not for us");
  outsider.publish("exact", std::string("\0\r\n", 3).c_str());
  ASSERT_TRUE(this->hears(2));
  const auto heard = this->actors_.heard();
  const auto& first = heard[0].subject == "exact" ? heard[1] : heard[0];
  EXPECT_EQ(first.actor, "M1");
  EXPECT_EQ(first.operation, "MessageSubscriber.HandleMessage");
  EXPECT_EQ(first.subject, "chat.lobby");
  EXPECT_EQ(first.reply, "");
  EXPECT_EQ(first.body, "hello");
  EXPECT_EQ(heard.size(), 2u);
}

TYPED_TEST_P(MessagingConformance, PublishesWithAndWithoutAReplySubject) {
  ASSERT_EQ(this->put({}), "");
  Outsider outsider(this->backend_.url());
  outsider.listen("out.>");
  EXPECT_EQ(this->publish("out.a", "one"), "");
  EXPECT_EQ(outsider.next(), "out.a - one");
  EXPECT_EQ(this->publish("out.b", "", "back.here", 1), "");
  EXPECT_EQ(outsider.next(), "out.b back.here ");
}

TYPED_TEST_P(MessagingConformance, AsksAndIsAnsweredOnEveryCore) {
  ASSERT_EQ(this->put({}), "");
  Outsider outsider(this->backend_.url());
  outsider.listen("ask.me");
  std::thread answering([&] {
    EXPECT_EQ(outsider.next("one"), "ask.me + ?");
    EXPECT_EQ(outsider.next("two"), "ask.me + ?");
  });
  EXPECT_EQ(this->ask("ask.me", "?", 5'000, 0), "one");
  EXPECT_EQ(this->ask("ask.me", "?", 0, 1), "two");  // 0: as long as the call may take
  answering.join();
}

TYPED_TEST_P(MessagingConformance, SaysThatNobodyListensOrAnswers) {
  ASSERT_EQ(this->put({}), "");
  EXPECT_EQ(this->ask("nobody.there", "?", 5'000),
            "no responders: nobody listens on 'nobody.there'");
  Outsider outsider(this->backend_.url());
  outsider.listen("silent");
  EXPECT_EQ(this->ask("silent", "?", 100), "timeout: nats request timed out");
}

TYPED_TEST_P(MessagingConformance, TheActorAnswersByPublishingToTheReplySubject) {
  ASSERT_EQ(this->put({{"SUBSCRIPTION", "ping|players"}}), "");
  this->actors_.on_message = [this](std::string reply) {
    return publish_pong(&this->provider_, &this->link_, std::move(reply));
  };
  Outsider outsider(this->backend_.url());
  EXPECT_EQ(outsider.ask("ping", "?"), "pong");
}

TYPED_TEST_P(MessagingConformance, AQueueGroupSharesItsMessages) {
  ASSERT_EQ(this->put({{"SUBSCRIPTION", "work|group"}}), "");
  auto other = this->link_;
  other.actor_id = "M2";
  ASSERT_TRUE(this->template on_core<void>([&] { return this->provider_.link_put(other); }));
  Outsider outsider(this->backend_.url());
  for (int i = 0; i < 100; ++i) outsider.publish("work", std::to_string(i));
  ASSERT_TRUE(this->hears(100));
  int first = 0;
  for (const auto& heard : this->actors_.heard()) first += heard.actor == "M1" ? 1 : 0;
  EXPECT_EQ(this->actors_.heard().size(), 100u);
  EXPECT_GT(first, 0);
  EXPECT_LT(first, 100);
}

TYPED_TEST_P(MessagingConformance, ARemovedLinkHearsAndSaysNothingMore) {
  ASSERT_EQ(this->put({{"SUBSCRIPTION", "a"}}), "");
  Outsider outsider(this->backend_.url());
  outsider.publish("a", "1");
  ASSERT_TRUE(this->hears(1));
  ASSERT_TRUE(
      this->template on_core<void>([this] { return this->provider_.link_delete(this->link_); }));
  outsider.publish("a", "2");
  EXPECT_NE(this->publish("a", "3"), "");
  ASSERT_EQ(this->put({{"SUBSCRIPTION", "b"}}), "");
  outsider.publish("a", "4");
  outsider.publish("b", "5");
  ASSERT_TRUE(this->hears(2));
  EXPECT_EQ(this->actors_.heard().back().body, "5");
}

TYPED_TEST_P(MessagingConformance, MessagesUnderWayAreHandledWhenTheLinkGoes) {
  ASSERT_EQ(this->put({{"SUBSCRIPTION", "a"}}), "");
  this->actors_.holding = true;
  Outsider outsider(this->backend_.url());
  outsider.publish("a", "held");
  ASSERT_TRUE(comes_true([this] { return this->actors_.under_way == 1; }));
  ASSERT_TRUE(this->template on_core<void>([this]() -> runtime::Task<void> {
    runtime::TaskGroup letting_go(runtime::Core::current());
    letting_go.spawn("removing the link", this->provider_.link_delete(this->link_));
    EXPECT_EQ(letting_go.size(), 1u) << "it waits for the message";
    this->actors_.holding = false;
    co_return co_await letting_go.join(runtime::Deadline::in(std::chrono::seconds(10)));
  }));
  EXPECT_EQ(this->actors_.heard().size(), 1u);
}

TYPED_TEST_P(MessagingConformance, SeventyFiveAtOnceAndTheOthersAfterThem) {
  ASSERT_EQ(this->put({{"SUBSCRIPTION", "a,b"}}), "");
  this->actors_.holding = true;
  Outsider outsider(this->backend_.url());
  for (int i = 0; i < 200; ++i) outsider.publish("a", "x");
  ASSERT_TRUE(comes_true([this] { return this->actors_.under_way == 75; }));
  outsider.publish("b", "marker");  // comes behind those that would be too many
  ASSERT_TRUE(comes_true([this] { return this->actors_.marked.load(); }));
  EXPECT_EQ(this->actors_.under_way, 76) << "75 and the marker";
  this->actors_.holding = false;
  EXPECT_TRUE(this->hears(201));
}

TYPED_TEST_P(MessagingConformance, AFailedMessageDoesNotStopTheOthers) {
  ASSERT_EQ(this->put({{"SUBSCRIPTION", "fails,works"}}), "");
  Outsider outsider(this->backend_.url());
  for (int i = 0; i < 100; ++i) outsider.publish("fails", "x");
  outsider.publish("works", "x");
  EXPECT_TRUE(this->hears(101));
}

TYPED_TEST_P(MessagingConformance, WhatIsNoSubjectOrTheLatticesOwnIsRefused) {
  ASSERT_EQ(this->put({}), "");
  for (const char* subject : {"", "a b", "a..b", "a.*", ">", "a\r\nPUB b 0\r\n"}) {
    EXPECT_NE(this->publish(subject, "x").find("is not a NATS subject"), std::string::npos);
    EXPECT_NE(this->ask(subject, "x", 10).find("is not a NATS subject"), std::string::npos);
    if (*subject != '\0')
      EXPECT_NE(this->publish("fine", "x", subject).find("is not a NATS subject"),
                std::string::npos);
  }
  for (const char* own : {"wasmbus.ctl.default.cmd.N1.stop", "lc.default.claims.M1"})
    EXPECT_NE(this->publish(own, "{}").find("LATTICE=allow"), std::string::npos);
  // Who hears of the links may ask which there are, and nothing else.
  ASSERT_EQ(this->put({{"SUBSCRIPTION", "wasmbus.evt.mine"}}), "");
  EXPECT_NE(this->ask("wasmbus.ctl.mine.get.links", "", 5'000).find("no responders"),
            std::string::npos);
  EXPECT_NE(this->ask("wasmbus.ctl.other.get.links", "", 10).find("LATTICE=allow"),
            std::string::npos);
  EXPECT_NE(this->publish("wasmbus.ctl.mine.get.links", "").find("LATTICE=allow"),
            std::string::npos);
  ASSERT_EQ(this->put({{"LATTICE", "allow"}}), "");
  EXPECT_EQ(this->publish("wasmbus.evt.default", "{}"), "");
  EXPECT_EQ(this->call("Messaging.Drop", {}).error().detail, "method not handled Messaging.Drop");
}

TYPED_TEST_P(MessagingConformance, AMessageThatIsTooLargeIsRefusedInWords) {
  ASSERT_EQ(this->put({}), "");
  const auto why = this->publish("a", std::string(9 << 20, 'x'));
  EXPECT_NE(why.find("takes at most"), std::string::npos) << why;
  EXPECT_EQ(this->publish("a", "x"), "");
}

TYPED_TEST_P(MessagingConformance, IsWellWhenConnected) {
  ASSERT_EQ(this->put({}), "");
  EXPECT_TRUE(this->template on_core<void>([this] { return this->provider_.health(); }));
  EXPECT_EQ(this->put({}), "");  // the same again: nothing to do
}

REGISTER_TYPED_TEST_SUITE_P(MessagingConformance, BringsTheMessagesOfASubscriptionToTheActor,
                            PublishesWithAndWithoutAReplySubject, AsksAndIsAnsweredOnEveryCore,
                            SaysThatNobodyListensOrAnswers,
                            TheActorAnswersByPublishingToTheReplySubject,
                            AQueueGroupSharesItsMessages, ARemovedLinkHearsAndSaysNothingMore,
                            MessagesUnderWayAreHandledWhenTheLinkGoes,
                            SeventyFiveAtOnceAndTheOthersAfterThem,
                            AFailedMessageDoesNotStopTheOthers,
                            WhatIsNoSubjectOrTheLatticesOwnIsRefused,
                            AMessageThatIsTooLargeIsRefusedInWords, IsWellWhenConnected);

}  // namespace trellis::messaging
