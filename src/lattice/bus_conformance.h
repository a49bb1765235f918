// For tests: what every Bus promises, as one suite. A backend is a lattice's bus seen from two
// places:
//
//   struct Backend {
//     runtime::Task<void> start();   // on the core
//     Bus& near();                   // the two may be the same
//     Bus& far();
//     runtime::Task<void> settle();  // subscriptions made so far count everywhere when it ends
//     std::size_t payload_bytes_max();
//     runtime::Task<void> stop();
//   };
//   INSTANTIATE_TYPED_TEST_SUITE_P(Name, BusConformance, Backend);
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

#include "lattice/bus.h"
#include "lattice/on_core.h"
#include "lattice/received.h"

namespace trellis::lattice {

template <class Backend>
class BusConformance : public CoreTest {
 protected:
  using Deadline = runtime::Deadline;
  template <class T>
  using Task = runtime::Task<T>;

  // Runs a test's coroutine on the core with a started backend.
  void with_bus(std::function<Task<void>(Backend&)> test) {
    const auto done = on_core<void>([&]() -> Task<void> {
      Backend backend;
      CO_TRY_OK(co_await backend.start());
      const auto result = co_await test(backend);
      CO_TRY_OK(co_await backend.stop());
      co_return result;
    });
    EXPECT_TRUE(done) << done.error().describe();
  }
  static Deadline soon() { return Deadline::in(std::chrono::seconds(10)); }
  static Message message(std::string subject, std::string_view text = "") {
    return {std::move(subject), "", {}, to_bytes(text)};
  }
  static std::string text(const Message& message) { return std::string(as_text(message.data)); }
};

TYPED_TEST_SUITE_P(BusConformance);

TYPED_TEST_P(BusConformance, DeliversWhatWasPublishedByteForByte) {
  this->with_bus([this](TypeParam& backend) -> runtime::Task<void> {
    Received received;
    CO_TRY(const auto subscription, backend.near().subscribe("lab.a", "", received.handler()));
    CO_TRY_OK(co_await backend.settle());
    Message binary{"lab.a", "answer.here", {}, {}};
    for (int i = 0; i < 256; ++i) binary.data.push_back(static_cast<std::uint8_t>(i));
    append(binary.data, "\r\nMSG lab.a 1 0\r\n\r\n");
    CO_TRY_OK(backend.far().publish(binary));
    CO_TRY_OK(backend.far().publish(this->message("lab.a")));
    CO_TRY_OK(co_await received.wait_for(2));
    EXPECT_EQ(received.messages()[0].subject, "lab.a");
    EXPECT_EQ(received.messages()[0].reply, "answer.here");
    EXPECT_EQ(received.messages()[0].data, binary.data);
    EXPECT_EQ(received.messages()[1].reply, "");
    EXPECT_TRUE(received.messages()[1].data.empty());
    co_return Result<void>();
  });
}

TYPED_TEST_P(BusConformance, MatchesWildcards) {
  this->with_bus([this](TypeParam& backend) -> runtime::Task<void> {
    const std::vector<std::pair<std::string, std::vector<std::string>>> cases{
        {"a.b.c", {"a.b.c"}},
        {"a.*.c", {"a.b.c", "a.x.c"}},
        {"a.>", {"a.b", "a.b.c", "a.x.c", "a.b.c.d"}},
        {"*", {"a", "end"}},
        {"*.*", {"a.b"}},
        {">", {"a", "a.b", "a.b.c", "a.x.c", "a.b.c.d", "end"}},
    };
    std::vector<Received> received(cases.size());
    std::vector<Subscription> subscriptions;
    for (std::size_t i = 0; i < cases.size(); ++i) {
      CO_TRY(auto made, backend.near().subscribe(cases[i].first, "", received[i].handler()));
      subscriptions.push_back(std::move(made));
    }
    CO_TRY_OK(co_await backend.settle());
    for (const auto* subject : {"a", "a.b", "a.b.c", "a.x.c", "a.b.c.d", "end"})
      CO_TRY_OK(backend.far().publish(this->message(subject)));
    CO_TRY_OK(co_await received.back().wait_for(6));
    for (std::size_t i = 0; i < cases.size(); ++i) {
      CO_TRY_OK(co_await received[i].wait_for(cases[i].second.size()));
      std::vector<std::string> got;
      for (const auto& each : received[i].messages()) got.push_back(each.subject);
      EXPECT_EQ(got, cases[i].second) << cases[i].first;
    }
    co_return Result<void>();
  });
}

TYPED_TEST_P(BusConformance, GivesEachMessageToOneOfAGroupAndToAllOthers) {
  this->with_bus([this](TypeParam& backend) -> runtime::Task<void> {
    constexpr std::size_t kMessages = 300;
    Received members[3], other_group, alone;
    std::vector<Subscription> subscriptions;
    const auto listen = [&](Bus& bus, const char* subject, const char* group,
                            Received& received) -> Result<void> {
      TRY(auto made, bus.subscribe(subject, group, received.handler()));
      subscriptions.push_back(std::move(made));
      return {};
    };
    CO_TRY_OK(listen(backend.near(), "work", "workers", members[0]));
    CO_TRY_OK(listen(backend.near(), "work", "workers", members[1]));
    CO_TRY_OK(listen(backend.far(), "*", "workers", members[2]));
    CO_TRY_OK(listen(backend.far(), "work", "auditors", other_group));
    CO_TRY_OK(listen(backend.near(), "work", "", alone));
    CO_TRY_OK(co_await backend.settle());
    for (std::size_t i = 0; i < kMessages; ++i)
      CO_TRY_OK(backend.far().publish(this->message("work", std::to_string(i))));
    CO_TRY_OK(co_await alone.wait_for(kMessages));
    CO_TRY_OK(co_await other_group.wait_for(kMessages));
    // Members on the other side get theirs on connections of their own: later than the two above.
    const auto given = [&] { return members[0].count() + members[1].count() + members[2].count(); };
    for (int look = 0; look < 500 && given() < kMessages; ++look)
      CO_TRY_OK(co_await runtime::Core::current().sleep_until(
          runtime::Deadline::in(std::chrono::milliseconds(10))));
    CO_TRY_OK(co_await backend.settle());
    std::vector<std::string> worked;
    for (auto& member : members) {
      EXPECT_GT(member.count(), kMessages / 10) << "a member got too little to be called a share";
      for (const auto& each : member.messages()) worked.push_back(this->text(each));
    }
    EXPECT_EQ(worked.size(), kMessages);
    std::ranges::sort(worked);
    EXPECT_EQ(std::ranges::unique(worked).size(), 0u) << "somebody got a message a second time";
    EXPECT_EQ(alone.count(), kMessages);
    co_return Result<void>();
  });
}

TYPED_TEST_P(BusConformance, BringsAnswersToWhoAsked) {
  this->with_bus([this](TypeParam& backend) -> runtime::Task<void> {
    auto& far = backend.far();
    CO_TRY(const auto subscription, far.subscribe("double.*", "q", [&far](const Message& question) {
      Message answer{question.reply, "", question.headers, question.data};
      append(answer.data, question.data);
      EXPECT_TRUE(far.publish(std::move(answer)));
    }));
    CO_TRY_OK(co_await backend.settle());
    for (int i = 0; i < 100; ++i) {
      const auto word = std::to_string(i);
      CO_TRY(const auto answer,
             co_await backend.near().request(this->message("double." + word, word), this->soon()));
      EXPECT_EQ(this->text(answer), word + word);
    }
    co_return Result<void>();
  });
}

TYPED_TEST_P(BusConformance, KeepsManyRequestsAtOnceApart) {
  this->with_bus([this](TypeParam& backend) -> runtime::Task<void> {
    auto& far = backend.far();
    std::vector<Message> questions;  // answered in the opposite order, when all have come
    constexpr std::size_t kRequests = 200;
    CO_TRY(const auto subscription, far.subscribe("echo", "", [&](const Message& question) {
      questions.push_back(question);
      if (questions.size() < kRequests) return;
      for (auto each = questions.rbegin(); each != questions.rend(); ++each)
        EXPECT_TRUE(far.publish({each->reply, "", {}, each->data}));
    }));
    CO_TRY_OK(co_await backend.settle());
    Received right;
    const auto count = right.handler();
    const auto ask = [](BusConformance<TypeParam>* test, Bus& bus, std::string word,
                        std::function<void(const Message&)> done) -> runtime::Task<void> {
      CO_TRY(const auto answer, co_await bus.request(test->message("echo", word), test->soon()));
      EXPECT_EQ(test->text(answer), word);
      done(answer);
      co_return Result<void>();
    };
    for (std::size_t i = 0; i < kRequests; ++i)
      runtime::Core::current().spawn("ask", ask(this, backend.near(), std::to_string(i), count));
    co_return co_await right.wait_for(kRequests);
  });
}

TYPED_TEST_P(BusConformance, SaysAtOnceThatNobodyListens) {
  this->with_bus([this](TypeParam& backend) -> runtime::Task<void> {
    const auto before = std::chrono::steady_clock::now();
    const auto answer =
        co_await backend.near().request(this->message("nobody.here", "x"), this->soon());
    EXPECT_FALSE(answer);
    if (!answer) {
      EXPECT_EQ(answer.error().code, Errc::unavailable);
      EXPECT_NE(answer.error().detail.find("no responders"), std::string::npos)
          << answer.error().detail;
    }
    const auto nothing =
        co_await backend.near().collect(this->message("nobody.here"), this->soon());
    EXPECT_TRUE(nothing && nothing->empty());
    EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds(5));
    co_return Result<void>();
  });
}

TYPED_TEST_P(BusConformance, GivesUpWaitingAtTheDeadline) {
  this->with_bus([this](TypeParam& backend) -> runtime::Task<void> {
    CO_TRY(const auto subscription, backend.far().subscribe("silent", "", [](const Message&) {}));
    CO_TRY_OK(co_await backend.settle());
    const auto deadline = runtime::Deadline::in(std::chrono::milliseconds(50));
    const auto answer = co_await backend.near().request(this->message("silent"), deadline);
    EXPECT_FALSE(answer);
    if (!answer) EXPECT_EQ(answer.error().code, Errc::timeout);
    EXPECT_TRUE(deadline.expired());
    co_return Result<void>();
  });
}

TYPED_TEST_P(BusConformance, CollectsTheAnswersOfMany) {
  this->with_bus([this](TypeParam& backend) -> runtime::Task<void> {
    std::vector<Subscription> subscriptions;
    for (int i = 0; i < 5; ++i) {
      auto& bus = i % 2 ? backend.near() : backend.far();
      CO_TRY(auto made, bus.subscribe("ping", "", [&bus, i](const Message& question) {
        EXPECT_TRUE(bus.publish({question.reply, "", {}, to_bytes(std::to_string(i))}));
      }));
      subscriptions.push_back(std::move(made));
    }
    CO_TRY_OK(co_await backend.settle());
    const auto deadline = runtime::Deadline::in(std::chrono::milliseconds(500));
    CO_TRY(const auto answers, co_await backend.near().collect(this->message("ping"), deadline));
    std::vector<std::string> texts;
    for (const auto& answer : answers) texts.push_back(this->text(answer));
    std::ranges::sort(texts);
    EXPECT_EQ(texts, (std::vector<std::string>{"0", "1", "2", "3", "4"}));
    co_return Result<void>();
  });
}

TYPED_TEST_P(BusConformance, CarriesHeaders) {
  this->with_bus([this](TypeParam& backend) -> runtime::Task<void> {
    Received received;
    CO_TRY(const auto subscription, backend.near().subscribe("h", "", received.handler()));
    CO_TRY_OK(co_await backend.settle());
    Message message{"h", "", {{"traceparent", "00-ab-cd-01"}, {"Other", "x: y"}}, to_bytes("body")};
    CO_TRY_OK(backend.far().publish(message));
    auto broken = message;
    broken.headers = {{"a", "1\r\nInjected: yes"}};
    const auto refused = backend.far().publish(broken);
    EXPECT_FALSE(refused);
    CO_TRY_OK(co_await received.wait_for(1));
    auto headers = received.messages()[0].headers;
    std::ranges::sort(headers);
    std::ranges::sort(message.headers);
    EXPECT_EQ(headers, message.headers);
    EXPECT_EQ(this->text(received.messages()[0]), "body");
    co_return Result<void>();
  });
}

TYPED_TEST_P(BusConformance, TakesTheLargestPayloadAndRefusesOneByteMore) {
  this->with_bus([this](TypeParam& backend) -> runtime::Task<void> {
    Received received;
    CO_TRY(const auto subscription, backend.near().subscribe("large", "", received.handler()));
    CO_TRY_OK(co_await backend.settle());
    Message message{"large", "", {}, Bytes(backend.payload_bytes_max())};
    for (std::size_t i = 0; i < message.data.size(); ++i)
      message.data[i] = static_cast<std::uint8_t>(i * 31 + i / 257);
    CO_TRY_OK(backend.far().publish(message));
    auto larger = message;
    larger.data.push_back(0);
    const auto refused = backend.far().publish(larger);
    EXPECT_FALSE(refused);
    if (!refused) EXPECT_EQ(refused.error().code, Errc::invalid);
    CO_TRY_OK(backend.far().publish(this->message("large", "after")));
    CO_TRY_OK(co_await received.wait_for(2));
    EXPECT_EQ(received.messages()[0].data, message.data);
    EXPECT_EQ(this->text(received.messages()[1]), "after");
    co_return Result<void>();
  });
}

TYPED_TEST_P(BusConformance, KeepsTheOrderOfThousands) {
  this->with_bus([this](TypeParam& backend) -> runtime::Task<void> {
    constexpr std::size_t kMessages = 20'000;
    Received received;
    CO_TRY(const auto subscription, backend.near().subscribe("n", "", received.handler()));
    CO_TRY_OK(co_await backend.settle());
    for (std::size_t i = 0; i < kMessages; ++i)
      CO_TRY_OK(backend.far().publish(this->message("n", std::to_string(i))));
    CO_TRY_OK(co_await received.wait_for(kMessages));
    for (std::size_t i = 0; i < kMessages; ++i) {
      if (this->text(received.messages()[i]) == std::to_string(i)) continue;
      ADD_FAILURE() << "message " << i << " is " << this->text(received.messages()[i]);
      break;
    }
    co_return Result<void>();
  });
}

TYPED_TEST_P(BusConformance, StopsDeliveringWhenUnsubscribed) {
  this->with_bus([this](TypeParam& backend) -> runtime::Task<void> {
    Received received, witness;
    CO_TRY(auto subscription, backend.near().subscribe("s", "", received.handler()));
    CO_TRY(const auto other, backend.near().subscribe("s", "", witness.handler()));
    CO_TRY_OK(co_await backend.settle());
    CO_TRY_OK(backend.far().publish(this->message("s", "1")));
    CO_TRY_OK(co_await received.wait_for(1));
    subscription.reset();
    CO_TRY_OK(co_await backend.settle());
    CO_TRY_OK(backend.far().publish(this->message("s", "2")));
    CO_TRY_OK(co_await witness.wait_for(2));
    EXPECT_EQ(received.count(), 1u);
    co_return Result<void>();
  });
}

TYPED_TEST_P(BusConformance, LetsHandlersUnsubscribeThemselvesAndSubscribeOthers) {
  this->with_bus([this](TypeParam& backend) -> runtime::Task<void> {
    auto& near = backend.near();
    Received received, later;
    auto own = std::make_shared<Subscription>();
    Subscription made_later;
    const auto note = received.handler();
    CO_TRY(*own, near.subscribe("once", "", [&, own, note](const Message& message) {
      own->reset();
      auto made = near.subscribe("then", "", later.handler());
      EXPECT_TRUE(made);
      if (made) made_later = *std::move(made);
      note(message);
    }));
    CO_TRY_OK(co_await backend.settle());
    CO_TRY_OK(backend.far().publish(this->message("once")));
    CO_TRY_OK(backend.far().publish(this->message("once")));
    CO_TRY_OK(co_await received.wait_for(1));
    CO_TRY_OK(co_await backend.settle());
    CO_TRY_OK(backend.far().publish(this->message("then")));
    CO_TRY_OK(co_await later.wait_for(1));
    EXPECT_EQ(received.count(), 1u);
    co_return Result<void>();
  });
}

TYPED_TEST_P(BusConformance, RefusesSubjectsThatAreNone) {
  this->with_bus([this](TypeParam& backend) -> runtime::Task<void> {
    for (const auto* subject : {"", "a..b", ".a", "a b", "a.*", ">"}) {
      const auto refused = backend.near().publish(this->message(subject));
      EXPECT_FALSE(refused) << subject;
      if (!refused) EXPECT_EQ(refused.error().code, Errc::invalid);
    }
    for (const auto* pattern : {"", "a..b", "a.>.b", "a b"})
      EXPECT_FALSE(backend.near().subscribe(pattern, "", [](const Message&) {})) << pattern;
    co_return Result<void>();
  });
}

REGISTER_TYPED_TEST_SUITE_P(BusConformance, DeliversWhatWasPublishedByteForByte, MatchesWildcards,
                            GivesEachMessageToOneOfAGroupAndToAllOthers, BringsAnswersToWhoAsked,
                            KeepsManyRequestsAtOnceApart, SaysAtOnceThatNobodyListens,
                            GivesUpWaitingAtTheDeadline, CollectsTheAnswersOfMany, CarriesHeaders,
                            TakesTheLargestPayloadAndRefusesOneByteMore, KeepsTheOrderOfThousands,
                            StopsDeliveringWhenUnsubscribed,
                            LetsHandlersUnsubscribeThemselvesAndSubscribeOthers,
                            RefusesSubjectsThatAreNone);

}  // namespace trellis::lattice
