// Goal: hosts on one NATS server agree on what the lattice remembers, whatever happens to them or
// to the server; hosts of 2022 among them. Method: several states on connections of their own to a
// real nats-server, with and without JetStream; what is on the wire is heard by a plain subscriber,
// hosts of 2022 are plain publishers.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>

#include "lattice/jetstream.h"
#include "lattice/over_nats.h"
#include "lattice/shared_state.h"
#include "lattice/state_record.h"
#include "runtime/parking.h"

namespace trellis::lattice {
namespace {

using runtime::Task;
using namespace std::chrono_literals;
namespace json = boost::json;

Link link_number(int i, const char* url = "redis://one") {
  return {fmt::format("M{}", i), "V1", "default", "wasmcloud:keyvalue", {{"URL", url}}};
}

ClaimsRecord claims_of(std::string key, std::string alias) {
  ClaimsRecord record;
  record.subject = std::move(key);
  record.call_alias = std::move(alias);
  record.revision = "1";
  return record;
}

// What a host of the lattice "lab" has of it.
class Host {
 public:
  Task<void> start(NatsBus& connection, SharedStateOptions options) {
    bus = &connection;
    options.prefix = "lab";
    options.observer.link_put = [this](const Link& link) {
      note("put " + link.actor_id + " " + link.values.at("URL"));
    };
    options.observer.link_deleted = [this](const Link& link) { note("del " + link.actor_id); };
    options.observer.claims_put = [this](const ClaimsRecord& record) {
      note("claims " + record.subject);
    };
    options.observer.reference_put = [this](const std::string& reference, const std::string& key) {
      note("ref " + reference + " " + key);
    };
    options.observer.link_put_elsewhere = [this](const Link& link, const Link* replaced) {
      note("elsewhere put " + link.actor_id + (replaced ? " for " + replaced->provider_id : ""));
    };
    options.observer.link_deleted_elsewhere = [this](const Link& link) {
      note("elsewhere del " + link.actor_id);
    };
    CO_TRY(state, co_await open_lattice_state(connection, std::move(options)));
    co_return Result<void>();
  }
  // Until it was told `what`.
  Task<void> hears(std::string what) {
    while (std::ranges::find(told, what) == told.end()) {
      const auto before = told.size();
      CO_TRY_OK(co_await news.wait_for(before + 1));
    }
    co_return Result<void>();
  }
  const Link* link(int i) const {
    return state->link(fmt::format("M{}", i), "wasmcloud:keyvalue", "default");
  }
  Task<void> put(int i, const char* url = "redis://one") {
    return state->put_link(link_number(i, url));
  }
  Task<std::optional<Link>> remove(int i) {
    return state->delete_link(fmt::format("M{}", i), "wasmcloud:keyvalue", "default");
  }

  NatsBus* bus = nullptr;
  std::unique_ptr<State> state;
  std::vector<std::string> told;
  Received news, reconnected;

 private:
  void note(std::string what) {
    told.push_back(std::move(what));
    news.handler()({});
  }
};

// Hosts of one test, and people who talk to its server without being one.
class Lab {
 public:
  explicit Lab(JetStreamServer& of) : server(of) {}
  Task<NatsBus*> connect(std::function<void()> reconnected = {}) {
    Connections::Who options{.url = server.url()};
    options.reconnected = std::move(reconnected);
    return connections_.open(std::move(options));
  }
  Task<Host*> host(SharedStateOptions options = {}) {
    hosts_.push_back(std::make_unique<Host>());
    auto* made = hosts_.back().get();
    CO_TRY(auto* bus, co_await connect([note = made->reconnected.handler()] { note({}); }));
    CO_TRY_OK(co_await made->start(*bus, std::move(options)));
    co_return made;
  }
  // What a program that is no host asks of JetStream.
  Task<json::object> ask(Bus& bus, std::string api, std::string body = "") {
    CO_TRY(const auto answer, co_await bus.request(text_message("$JS.API." + api, body), soon()));
    co_return json::parse(std::string(as_text(answer.data))).as_object();
  }
  // Consumers of hosts that were not spared are gone, and those hosts do not know.
  Task<void> deafen_the_others(Bus& bus) {
    CO_TRY(auto all, co_await ask(bus, "CONSUMER.NAMES.LATTICECACHE_lab"));
    for (const auto& name : all.at("consumers").as_array())
      if (!known_consumers_.contains(std::string(name.as_string())))
        CO_TRY_OK(co_await ask(bus, fmt::format("CONSUMER.DELETE.LATTICECACHE_lab.{}",
                                                std::string(name.as_string()))));
    co_return Result<void>();
  }
  // Consumers there are now belong to hosts that shall go on hearing.
  Task<void> spare_those_there_are(Bus& bus) {
    CO_TRY(auto all, co_await ask(bus, "CONSUMER.NAMES.LATTICECACHE_lab"));
    for (const auto& name : all.at("consumers").as_array())
      known_consumers_.insert(std::string(name.as_string()));
    co_return Result<void>();
  }
  // Everything in the server's memory is lost; the hosts are connected again.
  Task<void> restart_server() {
    std::vector<std::size_t> before;
    for (const auto& host : hosts_) before.push_back(host->reconnected.count());
    server.restart();
    for (std::size_t i = 0; i < hosts_.size(); ++i)
      CO_TRY_OK(co_await hosts_[i]->reconnected.wait_for(before[i] + 1));
    co_return Result<void>();
  }
  Task<void> close() {
    for (const auto& host : hosts_)
      if (host->state) CO_TRY_OK(co_await host->state->stop());
    hosts_.clear();
    co_return co_await connections_.close();
  }

  JetStreamServer& server;

 private:
  Connections connections_;
  std::vector<std::unique_ptr<Host>> hosts_;
  std::set<std::string> known_consumers_;
};

class SharedStateTest : public CoreTest {
 protected:
  void with_lab(JetStreamServer& server, std::function<Task<void>(Lab&)> test) {
    const auto done = on_core<void>([&]() -> Task<void> {
      Lab lab(server);
      const auto result = co_await test(lab);
      CO_TRY_OK(co_await lab.close());
      co_return result;
    });
    EXPECT_TRUE(done) << done.error().describe();
  }
  // Many things at once; all must end well.
  static Task<void> all_of(std::vector<Task<void>> tasks) {
    Received done;
    auto failed = std::make_shared<std::optional<Error>>();
    const auto count = tasks.size();
    for (auto& task : tasks)
      runtime::Core::current().spawn("test", count_one(std::move(task), done.handler(), failed));
    CO_TRY_OK(co_await done.wait_for(count));
    if (*failed) co_return fail(**failed);
    co_return Result<void>();
  }
  static Task<void> count_one(Task<void> task, std::function<void(const Message&)> done,
                              std::shared_ptr<std::optional<Error>> failed) {
    const auto result = co_await std::move(task);
    if (!result) *failed = result.error();
    done({});
    co_return Result<void>();
  }
};

TEST_F(SharedStateTest, IsPublishedAsHostsOf2022Do) {
  JetStreamServer server;
  with_lab(server, [](Lab& lab) -> Task<void> {
    CO_TRY(auto* outsider, co_await lab.connect());
    Received wire;
    CO_TRY(const auto heard, outsider->subscribe("lc.lab.>", "", wire.handler()));
    CO_TRY_OK(co_await outsider->flush(soon()));
    CO_TRY(auto* host, co_await lab.host());
    CO_TRY_OK(co_await host->put(1));
    CO_TRY_OK(co_await host->state->put_claims(claims_of("ME", "echo")));
    CO_TRY_OK(co_await host->state->put_reference("reg/echo:0.3.4", "ME"));
    CO_TRY_OK(co_await host->remove(1));
    CO_TRY_OK(co_await wire.wait_for(4));
    const Subjects subjects{.prefix = "lab"};
    const std::vector<StateRecord> expected{link_number(1), claims_of("ME", "echo"),
                                            Reference{"reg/echo:0.3.4", "ME"},
                                            DeletedLink{link_number(1)}};
    for (std::size_t i = 0; i < expected.size(); ++i) {
      const auto wanted = to_message(expected[i], subjects);
      EXPECT_EQ(wire.messages()[i].subject, wanted.subject);
      EXPECT_EQ(wire.messages()[i].data, wanted.data);
    }
    CO_TRY(const auto info, co_await lab.ask(*outsider, "STREAM.INFO.LATTICECACHE_lab"));
    const auto& config = info.at("config").as_object();
    EXPECT_EQ(config.at("subjects"), json::array{"lc.lab.>"});
    EXPECT_EQ(config.at("max_msgs_per_subject").as_int64(), 1);
    EXPECT_EQ(config.at("storage").as_string(), "memory");
    EXPECT_EQ(config.at("discard").as_string(), "old");
    co_return Result<void>();
  });
}

TEST_F(SharedStateTest, IsSeenByReadersHereWhenThePutSucceeds) {
  JetStreamServer server;
  with_lab(server, [](Lab& lab) -> Task<void> {
    CO_TRY(auto* host, co_await lab.host());
    CO_TRY_OK(co_await host->put(1));
    EXPECT_TRUE(host->link(1));
    CO_TRY(const auto gone, co_await host->remove(1));
    EXPECT_EQ(gone, link_number(1));
    EXPECT_FALSE(host->link(1));
    CO_TRY(const auto nothing, co_await host->remove(1));
    EXPECT_EQ(nothing, std::nullopt);
    EXPECT_EQ(host->told, (std::vector<std::string>{"put M1 redis://one", "del M1"}));
    co_return Result<void>();
  });
}

TEST_F(SharedStateTest, AnEqualRecordIsNeitherToldNorSent) {
  JetStreamServer server;
  with_lab(server, [](Lab& lab) -> Task<void> {
    CO_TRY(auto* host, co_await lab.host());
    for (int twice = 0; twice < 2; ++twice) {
      CO_TRY_OK(co_await host->put(1));
      CO_TRY_OK(co_await host->state->put_claims(claims_of("ME", "echo")));
      CO_TRY_OK(co_await host->state->put_reference("r", "ME"));
    }
    EXPECT_EQ(host->told,
              (std::vector<std::string>{"put M1 redis://one", "claims ME", "ref r ME"}));
    CO_TRY(const auto info, co_await lab.ask(*host->bus, "STREAM.INFO.LATTICECACHE_lab"));
    EXPECT_EQ(info.at("state").as_object().at("last_seq").as_int64(), 3);
    co_return Result<void>();
  });
}

TEST_F(SharedStateTest, AnotherHostHearsOfAChangeAndWhoMadeIt) {
  JetStreamServer server;
  with_lab(server, [](Lab& lab) -> Task<void> {
    CO_TRY(auto* one, co_await lab.host());
    CO_TRY(auto* two, co_await lab.host());
    CO_TRY_OK(co_await one->put(1));
    CO_TRY_OK(co_await two->hears("elsewhere put M1"));
    CO_TRY_OK(co_await two->put(1, "redis://two"));
    CO_TRY_OK(co_await one->hears("elsewhere put M1 for V1"));
    CO_TRY_OK(co_await one->remove(1));
    CO_TRY_OK(co_await two->hears("elsewhere del M1"));
    EXPECT_EQ(one->told, (std::vector<std::string>{"put M1 redis://one", "put M1 redis://two",
                                                   "elsewhere put M1 for V1", "del M1"}));
    EXPECT_EQ(two->told,
              (std::vector<std::string>{"put M1 redis://one", "elsewhere put M1",
                                        "put M1 redis://two", "del M1", "elsewhere del M1"}));
    co_return Result<void>();
  });
}

TEST_F(SharedStateTest, AHostThatComesLaterKnowsWhatWasPutBefore) {
  JetStreamServer server;
  with_lab(server, [](Lab& lab) -> Task<void> {
    CO_TRY(auto* first, co_await lab.host());
    for (int i = 1; i <= 3; ++i) CO_TRY_OK(co_await first->put(i));
    CO_TRY_OK(co_await first->remove(2));
    CO_TRY_OK(co_await first->state->put_claims(claims_of("ME", "echo")));
    CO_TRY_OK(co_await first->state->put_reference("reg/echo:0.3.4", "ME"));
    CO_TRY(auto* later, co_await lab.host());
    EXPECT_EQ(later->state->links(), (std::vector<Link>{link_number(1), link_number(3)}));
    EXPECT_EQ(later->state->key_of_alias("echo"), "ME");
    EXPECT_EQ(later->state->key_of_reference("reg/echo:0.3.4"), "ME");
    EXPECT_TRUE(later->told.empty());
    EXPECT_EQ(later->state->describe(), "in JetStream, stream LATTICECACHE_lab");
    co_return Result<void>();
  });
}

TEST_F(SharedStateTest, ChangesMadeAtOnceApplyInTheirOrderAndHostsAgree) {
  JetStreamServer server;
  with_lab(server, [](Lab& lab) -> Task<void> {
    CO_TRY(auto* one, co_await lab.host());
    CO_TRY(auto* two, co_await lab.host());
    std::vector<Task<void>> changes;
    for (const auto* url : {"redis://a", "redis://b", "redis://a"}) {
      changes.push_back(one->put(1, url));
      changes.push_back(one->put(2, url));
      changes.push_back(two->put(2, url));
    }
    CO_TRY_OK(co_await all_of(std::move(changes)));
    EXPECT_EQ(one->link(1)->values.at("URL"), "redis://a");
    // What the first says last, the second hears after everything before it.
    CO_TRY_OK(co_await one->put(3));
    CO_TRY_OK(co_await two->hears("put M3 redis://one"));
    CO_TRY_OK(co_await two->put(4));
    CO_TRY_OK(co_await one->hears("put M4 redis://one"));
    EXPECT_EQ(one->state->links(), two->state->links());
    EXPECT_EQ(one->state->links().size(), 4u);
    co_return Result<void>();
  });
}

TEST_F(SharedStateTest, TheFirstInTheStreamHasTheAlias) {
  JetStreamServer server;
  with_lab(server, [](Lab& lab) -> Task<void> {
    CO_TRY(auto* one, co_await lab.host());
    CO_TRY_OK(co_await one->state->put_claims(claims_of("MZ", "echo")));
    CO_TRY(auto* two, co_await lab.host());
    CO_TRY_OK(co_await two->state->put_claims(claims_of("MA", "echo")));
    CO_TRY_OK(co_await one->hears("claims MA"));
    CO_TRY(auto* three, co_await lab.host());
    for (const auto* host : {one, two, three}) EXPECT_EQ(host->state->key_of_alias("echo"), "MZ");
    CO_TRY_OK(co_await one->state->put_claims(claims_of("MZ", "renamed")));
    CO_TRY_OK(co_await two->hears("claims MZ"));
    for (const auto* host : {one, two}) EXPECT_EQ(host->state->key_of_alias("echo"), "MA");
    co_return Result<void>();
  });
}

// Under an id that a host of 2022 made up.
Message said_in_2022(const StateRecord& record, const std::string& id) {
  return to_message(record, Subjects{.prefix = "lab"}, id);
}

TEST_F(SharedStateTest, LinksOf2022HostsCountByWhatTheyLinkNotByTheirIds) {
  JetStreamServer server;
  with_lab(server, [](Lab& lab) -> Task<void> {
    CO_TRY(auto* host, co_await lab.host());
    CO_TRY(auto* old, co_await lab.connect());
    CO_TRY_OK(old->publish(said_in_2022(link_number(1, "redis://a"), "id-1")));
    CO_TRY_OK(old->publish(said_in_2022(link_number(1, "redis://b"), "id-2")));
    CO_TRY_OK(co_await host->hears("put M1 redis://b"));
    EXPECT_EQ(host->state->links(), std::vector<Link>{link_number(1, "redis://b")});
    CO_TRY_OK(old->publish(said_in_2022(DeletedLink{link_number(1, "redis://b")}, "id-2")));
    CO_TRY_OK(co_await host->hears("del M1"));
    CO_TRY(auto* later, co_await lab.host());
    EXPECT_TRUE(host->state->links().empty());
    EXPECT_TRUE(later->state->links().empty()) << "the older id has come back";
    co_return Result<void>();
  });
}

TEST_F(SharedStateTest, ADeletionReachesEveryIdTheLinkHas) {
  JetStreamServer server;
  with_lab(server, [](Lab& lab) -> Task<void> {
    CO_TRY(auto* host, co_await lab.host());
    CO_TRY(auto* old, co_await lab.connect());
    for (const auto* id : {"id-1", "id-2"})
      CO_TRY_OK(old->publish(said_in_2022(link_number(1, id), id)));
    CO_TRY_OK(co_await host->hears("put M1 id-2"));
    CO_TRY(const auto gone, co_await host->remove(1));
    EXPECT_EQ(gone, link_number(1, "id-2"));
    JetStream jetstream(*old, {});
    for (const auto& id : {std::string("id-1"), std::string("id-2"), link_number(1).id()}) {
      CO_TRY(const auto stored,
             co_await jetstream.last_message("LATTICECACHE_lab", "lc.lab.linkdefs." + id));
      EXPECT_NE(as_text(stored.data).find(R"("deleted":true)"), std::string_view::npos) << id;
    }
    co_return Result<void>();
  });
}

TEST_F(SharedStateTest, NonsenseInTheStreamHarmsNobody) {
  JetStreamServer server;
  with_lab(server, [](Lab& lab) -> Task<void> {
    CO_TRY(auto* host, co_await lab.host());
    CO_TRY(auto* other, co_await lab.connect());
    for (const auto* subject :
         {"lc.lab.linkdefs.x", "lc.lab.claims.ME", "lc.lab.z", "lc.lab.a.b.c"})
      CO_TRY_OK(other->publish(text_message(subject, "nonsense", {{"Trellis-Change", "x.y"}})));
    CO_TRY_OK(other->publish(said_in_2022(link_number(1), "id-1")));
    CO_TRY_OK(co_await host->hears("put M1 redis://one"));
    CO_TRY(auto* later, co_await lab.host());
    EXPECT_EQ(later->state->links().size(), 1u);
    co_return Result<void>();
  });
}

TEST_F(SharedStateTest, TakesOverWhatChangedWhileItHeardNothing) {
  JetStreamServer server;
  with_lab(server, [](Lab& lab) -> Task<void> {
    CO_TRY(auto* one, co_await lab.host());
    CO_TRY_OK(co_await one->put(1));
    CO_TRY_OK(co_await one->put(2));
    CO_TRY_OK(co_await lab.spare_those_there_are(*one->bus));
    CO_TRY(auto* two, co_await lab.host());
    CO_TRY_OK(co_await lab.deafen_the_others(*one->bus));
    CO_TRY_OK(co_await one->remove(1));
    CO_TRY_OK(co_await one->put(2, "redis://two"));
    EXPECT_TRUE(two->link(1));
    CO_TRY_OK(co_await two->state->resync());
    EXPECT_EQ(two->state->links(), std::vector<Link>{link_number(2, "redis://two")});
    EXPECT_EQ(two->told,
              (std::vector<std::string>{"del M1", "elsewhere del M1", "put M2 redis://two",
                                        "elsewhere put M2 for V1"}));
    co_return Result<void>();
  });
}

TEST_F(SharedStateTest, NoticesByItselfThatItHearsNothing) {
  JetStreamServer server;
  with_lab(server, [](Lab& lab) -> Task<void> {
    CO_TRY(auto* one, co_await lab.host());
    CO_TRY_OK(co_await lab.spare_those_there_are(*one->bus));
    SharedStateOptions impatient;
    impatient.heartbeat = 100ms;
    CO_TRY(auto* two, co_await lab.host(impatient));
    CO_TRY_OK(co_await lab.deafen_the_others(*one->bus));
    CO_TRY_OK(co_await one->put(1));
    co_return co_await two->hears("elsewhere put M1");
  });
}

TEST_F(SharedStateTest, APutOfADeafHostIsDoneAllTheSame) {
  JetStreamServer server;
  with_lab(server, [](Lab& lab) -> Task<void> {
    SharedStateOptions impatient;
    impatient.timeout = 300ms;
    CO_TRY(auto* host, co_await lab.host(impatient));
    CO_TRY_OK(co_await lab.deafen_the_others(*host->bus));
    CO_TRY_OK(co_await host->put(1));
    EXPECT_TRUE(host->link(1));
    co_return Result<void>();
  });
}

TEST_F(SharedStateTest, WhatARestartedServerHasLostIsGivenBack) {
  JetStreamServer server;
  with_lab(server, [](Lab& lab) -> Task<void> {
    CO_TRY(auto* one, co_await lab.host());
    CO_TRY(auto* two, co_await lab.host());
    for (int i = 1; i <= 3; ++i) CO_TRY_OK(co_await one->put(i));
    CO_TRY_OK(co_await one->remove(3));
    CO_TRY_OK(co_await one->state->put_claims(claims_of("MZ", "echo")));
    CO_TRY_OK(co_await two->state->put_claims(claims_of("MA", "echo")));
    CO_TRY_OK(co_await one->hears("claims MA"));
    const auto told_one = one->told, told_two = two->told;
    CO_TRY_OK(co_await lab.restart_server());
    std::vector<Task<void>> both;
    both.push_back(one->state->resync());
    both.push_back(two->state->resync());
    CO_TRY_OK(co_await all_of(std::move(both)));
    CO_TRY(auto* later, co_await lab.host());
    for (const auto* host : {one, two, later}) {
      EXPECT_EQ(host->state->links(), (std::vector<Link>{link_number(1), link_number(2)}));
      EXPECT_EQ(host->state->key_of_alias("echo"), "MZ");
    }
    EXPECT_EQ(one->told, told_one) << "nothing has changed";
    EXPECT_EQ(two->told, told_two);
    CO_TRY_OK(co_await two->put(4));
    co_return co_await one->hears("elsewhere put M4");
  });
}

TEST_F(SharedStateTest, NewerNewsOfALostStreamWinWhoeverIsFirst) {
  for (const bool informed_first : {false, true}) {
    JetStreamServer server;
    with_lab(server, [&](Lab& lab) -> Task<void> {
      CO_TRY(auto* informed, co_await lab.host());
      CO_TRY_OK(co_await informed->put(1));
      CO_TRY_OK(co_await informed->put(2));
      CO_TRY_OK(co_await lab.spare_those_there_are(*informed->bus));
      CO_TRY(auto* deaf, co_await lab.host());
      CO_TRY_OK(co_await lab.deafen_the_others(*informed->bus));
      CO_TRY_OK(co_await informed->remove(1));
      CO_TRY_OK(co_await informed->put(2, "redis://two"));
      CO_TRY_OK(co_await lab.restart_server());
      CO_TRY_OK(co_await (informed_first ? informed : deaf)->state->resync());
      CO_TRY_OK(co_await (informed_first ? deaf : informed)->state->resync());
      CO_TRY_OK(co_await deaf->hears("del M1"));
      CO_TRY_OK(co_await deaf->hears("put M2 redis://two"));
      CO_TRY(auto* later, co_await lab.host());
      for (const auto* host : {informed, deaf, later})
        EXPECT_EQ(host->state->links(), std::vector<Link>{link_number(2, "redis://two")});
      co_return Result<void>();
    });
  }
}

TEST_F(SharedStateTest, WhatIsSaidAfterALossIsNotOverruledByWhatWasBefore) {
  JetStreamServer server;
  with_lab(server, [](Lab& lab) -> Task<void> {
    CO_TRY(auto* one, co_await lab.host());
    CO_TRY(auto* two, co_await lab.host());
    CO_TRY_OK(co_await one->put(1));
    CO_TRY_OK(co_await two->hears("elsewhere put M1"));
    CO_TRY_OK(co_await lab.restart_server());
    CO_TRY_OK(co_await one->state->resync());
    CO_TRY_OK(co_await one->put(1, "redis://new"));
    CO_TRY_OK(co_await two->state->resync());
    for (const auto* host : {one, two})
      EXPECT_EQ(host->state->links(), std::vector<Link>{link_number(1, "redis://new")});
    co_return Result<void>();
  });
}

TEST_F(SharedStateTest, AStreamThatSomebodyRemovedIsMadeAgainByThePutThatMissesIt) {
  JetStreamServer server;
  with_lab(server, [](Lab& lab) -> Task<void> {
    CO_TRY(auto* host, co_await lab.host());
    CO_TRY_OK(co_await host->put(1));
    CO_TRY_OK(co_await lab.ask(*host->bus, "STREAM.DELETE.LATTICECACHE_lab"));
    CO_TRY_OK(co_await host->put(2));
    CO_TRY(auto* later, co_await lab.host());
    EXPECT_EQ(later->state->links(), (std::vector<Link>{link_number(1), link_number(2)}));
    co_return Result<void>();
  });
}

TEST_F(SharedStateTest, LinksThatSomebodyPurgedAreGoneAfterSynchronising) {
  JetStreamServer server;
  with_lab(server, [](Lab& lab) -> Task<void> {
    CO_TRY(auto* host, co_await lab.host());
    CO_TRY_OK(co_await host->put(1));
    CO_TRY_OK(co_await host->state->put_claims(claims_of("ME", "echo")));
    CO_TRY_OK(co_await lab.ask(*host->bus, "STREAM.PURGE.LATTICECACHE_lab"));
    CO_TRY_OK(co_await host->state->resync());
    EXPECT_TRUE(host->state->links().empty());
    EXPECT_EQ(host->state->key_of_alias("echo"), "ME");
    CO_TRY_OK(co_await host->put(1));
    EXPECT_TRUE(host->link(1));
    co_return Result<void>();
  });
}

TEST_F(SharedStateTest, ThousandsOfChangesAtOnceAndTheirLoading) {
  constexpr int kLinks = 3'000;
  JetStreamServer server;
  with_lab(server, [](Lab& lab) -> Task<void> {
    CO_TRY(auto* one, co_await lab.host());
    std::vector<Task<void>> puts;
    for (int i = 0; i < kLinks; ++i) puts.push_back(one->put(i));
    CO_TRY_OK(co_await all_of(std::move(puts)));
    CO_TRY(auto* two, co_await lab.host());
    EXPECT_EQ(two->state->links().size(), std::size_t{kLinks});
    EXPECT_EQ(two->state->links(), one->state->links());
    CO_TRY_OK(co_await lab.restart_server());
    CO_TRY_OK(co_await two->state->resync());
    CO_TRY(auto* three, co_await lab.host());
    EXPECT_EQ(three->state->links(), one->state->links());
    co_return Result<void>();
  });
}

TEST_F(SharedStateTest, ALostServerFailsAPutAndChangesNothing) {
  JetStreamServer server;
  with_lab(server, [&](Lab& lab) -> Task<void> {
    SharedStateOptions impatient;
    impatient.timeout = 200ms;
    CO_TRY(auto* host, co_await lab.host(impatient));
    server.pause();
    const auto refused = co_await host->put(1);
    EXPECT_FALSE(refused);
    EXPECT_FALSE(host->link(1));
    EXPECT_TRUE(host->told.empty());
    server.resume();
    co_return Result<void>();
  });
}

TEST_F(SharedStateTest, ADottedPrefixIsRefused) {
  JetStreamServer server;
  with_lab(server, [](Lab& lab) -> Task<void> {
    CO_TRY(auto* bus, co_await lab.connect());
    SharedStateOptions dotted;
    dotted.prefix = "acme.prod";
    const auto refused = co_await open_lattice_state(*bus, dotted);
    EXPECT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::invalid);
    EXPECT_NE(refused.error().detail.find("has a dot in it"), std::string::npos);
    co_return Result<void>();
  });
}

TEST_F(SharedStateTest, WithoutJetStreamHostsThatRunStillTellEachOther) {
  JetStreamServer server("");
  TemporaryFolder folder;
  SharedStateOptions first, second;
  first.journal_file = folder.file("first");
  second.journal_file = folder.file("second");
  with_lab(server, [&](Lab& lab) -> Task<void> {
    CO_TRY(auto* one, co_await lab.host(first));
    CO_TRY(auto* two, co_await lab.host(second));
    const auto where = one->state->describe();
    EXPECT_TRUE(where.starts_with("in the file " + first.journal_file +
                                  ", not in JetStream: this NATS server has no JetStream"))
        << where;
    EXPECT_NE(where.find("put while a host was away are not known to it"), std::string::npos);
    CO_TRY_OK(co_await two->bus->flush(soon()));
    CO_TRY_OK(co_await one->bus->flush(soon()));
    CO_TRY_OK(co_await one->put(1));
    CO_TRY_OK(co_await one->put(2));
    CO_TRY_OK(co_await one->state->put_claims(claims_of("ME", "echo")));
    CO_TRY_OK(co_await one->state->put_reference("r", "ME"));
    CO_TRY_OK(co_await two->hears("ref r ME"));
    CO_TRY(const auto gone, co_await two->remove(1));
    EXPECT_EQ(gone, link_number(1));
    CO_TRY_OK(co_await one->hears("elsewhere del M1"));
    EXPECT_EQ(one->state->links(), std::vector<Link>{link_number(2)});
    EXPECT_EQ(two->told, (std::vector<std::string>{"put M1 redis://one", "elsewhere put M1",
                                                   "put M2 redis://one", "elsewhere put M2",
                                                   "claims ME", "ref r ME", "del M1"}));
    co_return Result<void>();
  });
  with_lab(server, [&](Lab& lab) -> Task<void> {
    CO_TRY(auto* again, co_await lab.host(second));
    EXPECT_EQ(again->state->links(), std::vector<Link>{link_number(2)});
    EXPECT_EQ(again->state->key_of_alias("echo"), "ME");
    co_return Result<void>();
  });
}

TEST_F(SharedStateTest, WithoutJetStreamHostsOf2022AreHeard) {
  JetStreamServer server("");
  with_lab(server, [&](Lab& lab) -> Task<void> {
    CO_TRY(auto* host, co_await lab.host());
    CO_TRY_OK(co_await host->bus->flush(soon()));
    CO_TRY(auto* old, co_await lab.connect());
    CO_TRY_OK(old->publish(said_in_2022(link_number(1), "id-1")));
    co_return co_await host->hears("elsewhere put M1");
  });
}

TEST_F(SharedStateTest, WaitsForAJetStreamThatMayNotAnswerYetButNotForEver) {
  JetStreamServer server(
      std::string(kWithJetStream) +
      "authorization { users: [ {user: u, password: p, permissions: {subscribe: {deny: "
      "[\"_INBOX.>\"]}}} ] }\nno_auth_user: u\n");
  with_lab(server, [&](Lab& lab) -> Task<void> {
    SharedStateOptions impatient;
    impatient.timeout = 100ms;
    impatient.patience = 300ms;
    CO_TRY(auto* host, co_await lab.host(impatient));
    EXPECT_NE(host->state->describe().find("the account may not subscribe to _INBOX.>"),
              std::string::npos)
        << host->state->describe();
    co_return Result<void>();
  });
}

}  // namespace
}  // namespace trellis::lattice
