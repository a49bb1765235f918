// Goal: the requests do what they say on a real server, and what a server lacks is said in words.
// Method: nats-server with and without JetStream, with accounts that have none or may not ask.
#include <gtest/gtest.h>

#include "lattice/jetstream.h"
#include "lattice/over_nats.h"

namespace trellis::lattice {
namespace {

using runtime::Task;
using namespace std::chrono_literals;
namespace json = boost::json;

json::object stream_config(std::string name, std::string subjects) {
  return {{"name", std::move(name)},
          {"subjects", json::array{std::move(subjects)}},
          {"storage", "memory"}};
}

class JetStreamTest : public OverNats {
 protected:
  // What asking for a stream says on a server like this, for somebody like that.
  Error refusal_on(JetStreamServer& server, Connections::Who who, JetStream::Options options) {
    Error refusal;
    who.url = server.url();
    with_connections([&](Connections& connections) -> Task<void> {
      CO_TRY(auto* bus, co_await connections.open(who));
      JetStream jetstream(*bus, options);
      const auto made = co_await jetstream.ensure_stream(stream_config("S", "s.>"));
      EXPECT_FALSE(made);
      if (!made) refusal = made.error();
      co_return Result<void>();
    });
    return refusal;
  }
};

TEST_F(JetStreamTest, MakesAStreamOnceAndKeepsWhatIsPublished) {
  JetStreamServer server;
  with_connections([&](Connections& connections) -> Task<void> {
    CO_TRY(auto* bus, co_await connections.open({.url = server.url()}));
    JetStream jetstream(*bus, {});
    CO_TRY(const auto made, co_await jetstream.ensure_stream(stream_config("S", "s.>")));
    auto other = stream_config("S", "s.>");
    other["max_msgs"] = 7;
    CO_TRY(const auto again, co_await jetstream.ensure_stream(other));
    EXPECT_EQ(made.created, again.created);
    CO_TRY(const auto first, co_await jetstream.publish(text_message("s.a", "one")));
    CO_TRY(const auto second,
           co_await jetstream.publish(text_message("s.a", "two", {{"Colour", "blue"}})));
    EXPECT_EQ(first, 1u);
    EXPECT_EQ(second, 2u);
    CO_TRY(const auto last, co_await jetstream.last_message("S", "s.a"));
    EXPECT_EQ(last.sequence, 2u);
    EXPECT_EQ(as_text(last.data), "two");
    EXPECT_EQ(last.headers, (Headers{{"Colour", "blue"}}));
    CO_TRY_OK(co_await jetstream.purge("S", "s.a"));
    const auto gone = co_await jetstream.last_message("S", "s.a");
    EXPECT_FALSE(gone);
    EXPECT_EQ(gone.error().code, Errc::not_found);
    CO_TRY(const auto info, co_await jetstream.stream_info("S"));
    EXPECT_EQ(info.messages, 0u);
    EXPECT_EQ(info.last_sequence, 2u);
    co_return Result<void>();
  });
}

TEST_F(JetStreamTest, DeliversToAConsumerWithItsPlaceInTheStream) {
  JetStreamServer server;
  with_connections([&](Connections& connections) -> Task<void> {
    CO_TRY(auto* bus, co_await connections.open({.url = server.url()}));
    JetStream jetstream(*bus, {});
    CO_TRY_OK(co_await jetstream.ensure_stream(stream_config("S", "s.>")));
    for (const auto* text : {"one", "two"})
      CO_TRY_OK(co_await jetstream.publish(text_message("s.a", text)));
    Received received;
    CO_TRY(const auto inbox, bus->subscribe("in.box", "", received.handler()));
    CO_TRY(const auto consumer,
           co_await jetstream.create_consumer("S", {{"deliver_subject", "in.box"},
                                                    {"deliver_policy", "all"},
                                                    {"ack_policy", "none"},
                                                    {"idle_heartbeat", 100'000'000}}));
    EXPECT_EQ(consumer.pending, 2u);
    CO_TRY_OK(co_await received.wait_for(3));
    const auto& messages = received.messages();
    const auto second = parse_delivery(messages[1].reply);
    EXPECT_TRUE(second);
    EXPECT_EQ(second->stream_sequence, 2u);
    EXPECT_EQ(second->pending, 0u);
    EXPECT_FALSE(is_control(messages[1]));
    EXPECT_TRUE(is_control(messages[2]));  // the heartbeat
    co_return Result<void>();
  });
}

TEST_F(JetStreamTest, SaysWhenNoStreamTakesTheSubjectOrTheCondition) {
  JetStreamServer server;
  with_connections([&](Connections& connections) -> Task<void> {
    CO_TRY(auto* bus, co_await connections.open({.url = server.url()}));
    JetStream jetstream(*bus, {});
    const auto nowhere = co_await jetstream.publish(text_message("s.a", "one"));
    EXPECT_FALSE(nowhere);
    EXPECT_EQ(nowhere.error().code, Errc::unavailable);
    EXPECT_NE(nowhere.error().detail.find("no JetStream stream takes messages on s.a"),
              std::string::npos);
    CO_TRY_OK(co_await jetstream.ensure_stream(stream_config("S", "s.>")));
    const Headers first_only{{"Nats-Expected-Last-Subject-Sequence", "0"}};
    CO_TRY_OK(co_await jetstream.publish(text_message("s.a", "one", first_only)));
    const auto late = co_await jetstream.publish(text_message("s.a", "two", first_only));
    EXPECT_FALSE(late);
    EXPECT_EQ(late.error().code, Errc::invalid);
    const auto overlap = co_await jetstream.ensure_stream(stream_config("T", "s.>"));
    EXPECT_FALSE(overlap);
    EXPECT_EQ(overlap.error().code, Errc::invalid);
    EXPECT_NE(overlap.error().detail.find("a stream of another name takes these subjects"),
              std::string::npos)
        << overlap.error().detail;
    co_return Result<void>();
  });
}

TEST_F(JetStreamTest, SaysThatTheServerHasNone) {
  JetStreamServer server("");
  const auto refusal = refusal_on(server, {}, {});
  EXPECT_EQ(refusal.code, Errc::unavailable);
  EXPECT_EQ(refusal.detail,
            "this NATS server has no JetStream (no responders on $JS.API.STREAM.CREATE.S); start "
            "nats-server with -js");
}

TEST_F(JetStreamTest, SaysThatTheDomainIsNotThere) {
  JetStreamServer server;
  const auto refusal = refusal_on(server, {}, {.domain = "hub"});
  EXPECT_EQ(refusal.code, Errc::unavailable);
  EXPECT_NE(refusal.detail.find("no JetStream domain hub here"), std::string::npos);
  JetStreamServer hub("jetstream { store_dir: \"FOLDER/js\", domain: hub }\n");
  with_connections([&](Connections& connections) -> Task<void> {
    CO_TRY(auto* bus, co_await connections.open({.url = hub.url()}));
    JetStream jetstream(*bus, {.domain = "hub"});
    CO_TRY_OK(co_await jetstream.ensure_stream(stream_config("S", "s.>")));
    co_return Result<void>();
  });
}

TEST_F(JetStreamTest, SaysWhatTheAccountLacks) {
  JetStreamServer server(std::string(kWithJetStream) + R"(
    accounts {
      NONE: { users: [ {user: none, password: secret} ] }
      SOME: { jetstream: enabled, users: [
        {user: mute, password: secret, permissions: {publish: {deny: ["$JS.API.>"]}}},
        {user: deaf, password: secret, permissions: {subscribe: {deny: ["_INBOX.>"]}}} ] }
      SYS: { users: [ {user: sys, password: secret} ] }
    }
    system_account: SYS
  )");
  const auto none = refusal_on(server, {.url = "", .user = "none", .password = "secret"}, {});
  EXPECT_EQ(none.code, Errc::denied);
  EXPECT_NE(none.detail.find("enable it for the account this host uses"), std::string::npos)
      << none.detail;
  const auto mute = refusal_on(server, {.url = "", .user = "mute", .password = "secret"}, {});
  EXPECT_EQ(mute.code, Errc::denied);
  EXPECT_NE(mute.detail.find("Permissions Violation for Publish"), std::string::npos)
      << mute.detail;
  const auto deaf =
      refusal_on(server, {.url = "", .user = "deaf", .password = "secret"}, {.timeout = 200ms});
  EXPECT_EQ(deaf.code, Errc::timeout);
  EXPECT_NE(deaf.detail.find("the account may not subscribe to _INBOX.>"), std::string::npos)
      << deaf.detail;
}

TEST(Delivery, IsReadFromBothFormsOfTheReply) {
  const auto old_form = parse_delivery("$JS.ACK.S.rKQIsWXx.1.42.7.1795654344434683921.3");
  ASSERT_TRUE(old_form);
  EXPECT_EQ(old_form->stream_sequence, 42u);
  EXPECT_EQ(old_form->consumer_sequence, 7u);
  EXPECT_EQ(old_form->pending, 3u);
  const auto new_form =
      parse_delivery("$JS.ACK.hub.ACCHASH.S.cons.1.42.7.1795654344434683921.3.rnd");
  ASSERT_TRUE(new_form);
  EXPECT_EQ(new_form->stream_sequence, 42u);
  EXPECT_EQ(new_form->pending, 3u);
  for (const auto* other : {"", "_INBOX.a.b.c.d.e.f.g.h", "$JS.ACK.S.c.1.x.7.1.3",
                            "$JS.ACK.S.c.1.2", "$JS.ACK.a.b.S.c.1.2.3.4"})
    EXPECT_FALSE(parse_delivery(other)) << other;
}

}  // namespace
}  // namespace trellis::lattice
