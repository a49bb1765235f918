// Goal: a provider behind this service is, on the bus, a provider of 2022: the same subjects,
// answers and texts, in the same order.
#include "capability/provider_service.h"

#include <gtest/gtest.h>

#include <ctime>

#include "capability/bus_actors.h"
#include "claims/nkey.h"
#include "codec/json.h"
#include "lattice/embedded_bus.h"
#include "runtime/testing.h"

namespace trellis::capability {
namespace {

using namespace std::chrono_literals;
using runtime::Deadline;
using runtime::Task;

constexpr auto kSoon = 5s;

// Remembers what it is told; takes any link but those with the value "bad", and "later" once
// `ready`.
class Recorder final : public Provider {
 public:
  Task<void> link_put(lattice::Link link) override {
    seen.push_back("put " + link.values["v"]);
    if (link.values["v"] == "bad") co_return fail(Errc::invalid, "test", "v is bad");
    if (link.values["v"] == "later" && !ready)
      co_return fail(Errc::unavailable, "test", "no server yet");
    co_return Result<void>{};
  }
  Task<void> link_delete(lattice::Link link) override {
    seen.push_back("del " + link.values["v"]);
    co_return Result<void>{};
  }
  Task<Bytes> handle(const lattice::Link& link, std::string_view operation, BytesView payload,
                     Deadline) override {
    if (operation == "Test.Fail") co_return fail(Errc::invalid, "test", "it failed");
    co_return to_bytes(std::string(operation) + link.values.at("v") +
                       std::string(as_text(payload)));
  }
  Task<void> health() override {
    if (!well) co_return fail(Errc::unavailable, "test", "no database");
    co_return Result<void>{};
  }
  Task<void> stop(Deadline) override {
    seen.emplace_back("stop");
    co_return Result<void>{};
  }

  std::vector<std::string> seen;
  bool well = true, ready = false;
};

// A service on a bus of its own, and those who speak to it.
struct Bench {
  claims::KeyPair cluster = claims::KeyPair::generate(claims::KeyType::cluster);
  claims::KeyPair service_key = claims::KeyPair::generate(claims::KeyType::service);
  claims::KeyPair host = claims::KeyPair::generate(claims::KeyType::server);
  claims::KeyPair actor = claims::KeyPair::generate(claims::KeyType::module);
  HostData data;
  std::shared_ptr<Recorder> provider = std::make_shared<Recorder>();
  runtime::Cores* cores = nullptr;
  std::unique_ptr<lattice::EmbeddedBus> bus;
  std::unique_ptr<runtime::TaskGroup> tasks;
  std::unique_ptr<lattice::LargeMessages> large;  // the bus has no store for it
  std::unique_ptr<ProviderService> service;

  Bench() {
    data.host_id = host.public_key();
    data.lattice = "test";
    data.link_name = "main";
    data.provider_key = service_key.public_key();
    data.cluster_issuers = {cluster.public_key()};
    data.invocation_seed = cluster.seed();
  }

  lattice::Link link(const std::string& value) const {
    return {.actor_id = actor.public_key(),
            .provider_id = service_key.public_key(),
            .link_name = "main",
            .contract_id = "a:b",
            .values = {{"v", value}}};
  }

  Task<Bytes> ask(std::string tail, Bytes content) {
    const auto subject = "wasmbus.rpc.test." + service_key.public_key() + ".main" + tail;
    CO_TRY(auto reply,
           co_await bus->request(
               {.subject = subject, .reply = {}, .headers = {}, .data = std::move(content)},
               Deadline::in(kSoon)));
    co_return std::move(reply.data);
  }

  Task<lattice::InvocationResponse> call(std::string operation, const claims::KeyPair& signer) {
    lattice::Invocation invocation;
    invocation.origin.public_key = actor.public_key();
    invocation.target = {service_key.public_key(), "main", "a:b"};
    invocation.operation = std::move(operation);
    invocation.msg = to_bytes("!");
    lattice::sign(invocation, signer, host.public_key());
    CO_TRY(const auto answer, co_await ask("", lattice::encode(invocation)));
    co_return lattice::decode_invocation_response(answer);
  }

  // Its words for a link, "" when it took it.
  Task<std::string> put(std::string value) {
    CO_TRY(const auto answer,
           co_await ask(".linkdefs.put", lattice::to_msgpack(link(value), true)));
    CO_TRY(const auto json, codec::json_parse(as_text(answer)));
    CO_TRY(const auto error, codec::json_string(json.as_object(), "error"));
    co_return error.value_or("no error said");
  }

  Task<void> take_back(std::string value) {
    co_return bus->publish(
        {.subject = "wasmbus.rpc.test." + service_key.public_key() + ".main.linkdefs.del",
         .reply = {},
         .headers = {},
         .data = lattice::to_msgpack(link(value), false)});
  }

  Task<void> open() {
    lattice::EmbeddedBusOptions options;
    options.address = "";
    CO_TRY(bus, co_await lattice::EmbeddedBus::start(options));
    tasks = std::make_unique<runtime::TaskGroup>(runtime::Core::current());
    large = std::make_unique<lattice::LargeMessages>(*tasks, *bus, "");
    service = std::make_unique<ProviderService>(*bus, *large, data, provider);
    co_return co_await service->start();
  }
  Task<void> close() {
    if (service) CO_TRY_OK(co_await service->stop(Deadline::in(kSoon)));
    service.reset();
    large.reset();
    tasks.reset();
    CO_TRY_OK(co_await bus->stop(Deadline::in(kSoon)));
    bus.reset();
    co_return Result<void>{};
  }

  using Test = Task<void> (*)(Bench&);
  static Task<void> between(Bench* bench, Test test) {
    CO_TRY_OK(co_await bench->open());
    const auto outcome = co_await test(*bench);
    CO_TRY_OK(co_await bench->close());
    co_return outcome;
  }
  void run(Test test) {
    const auto all = runtime::test_cores();
    cores = all.get();
    const auto done = all->run_blocking<void>(0, [&] { return between(this, test); });
    EXPECT_TRUE(done) << done.error().describe();
  }

  std::string seen() const {
    std::string text;
    for (const auto& each : provider->seen) text += (text.empty() ? "" : ", ") + each;
    return text;
  }
};

TEST(ProviderService, TakesTheLinksOfItsHostDataAndAnswersCalls) {
  Bench bench;
  bench.data.links = {bench.link("1")};
  bench.run([](Bench& b) -> Task<void> {
    CO_TRY(const auto answer, co_await b.call("Test.Say", b.cluster));
    EXPECT_EQ(as_text(answer.msg), "Test.Say1!");
    EXPECT_FALSE(answer.error);
    EXPECT_EQ(answer.content_length, answer.msg.size());
    CO_TRY(const auto failed, co_await b.call("Test.Fail", b.cluster));
    EXPECT_EQ(failed.error, "it failed");
    co_return Result<void>{};
  });
  EXPECT_EQ(bench.seen(), "put 1, stop");
}

TEST(ProviderService, RefusesWhoIsNotLinkedAndWhoForges) {
  Bench bench;
  bench.run([](Bench& b) -> Task<void> {
    CO_TRY(const auto unlinked, co_await b.call("Test.Say", b.cluster));
    EXPECT_EQ(unlinked.error, "unlinked actor: '" + b.actor.public_key() + "'");
    CO_TRY(const auto linked, co_await b.put("1"));
    EXPECT_EQ(linked, "");
    const auto stranger = claims::KeyPair::generate(claims::KeyType::cluster);
    CO_TRY(const auto forged, co_await b.call("Test.Say", stranger));
    EXPECT_EQ(forged.error, "Issuer of this invocation is not among the list of valid issuers");
    CO_TRY(const auto garbage, co_await b.ask("", to_bytes("\xc1")));
    CO_TRY(const auto answer, lattice::decode_invocation_response(garbage));
    EXPECT_TRUE(answer.error && answer.error->starts_with("deser error: deserialization: "));
    co_return Result<void>{};
  });
}

TEST(ProviderService, SaysWhatBecameOfALink) {
  Bench bench;
  bench.data.links = {bench.link("bad")};
  bench.run([](Bench& b) -> Task<void> {
    CO_TRY(const auto bad, co_await b.put("bad"));
    EXPECT_EQ(bad, "v is bad");
    CO_TRY(const auto good, co_await b.put("1"));
    EXPECT_EQ(good, "");
    CO_TRY(const auto same, co_await b.put("1"));
    EXPECT_EQ(same, "");
    CO_TRY(const auto changed, co_await b.put("2"));
    EXPECT_EQ(changed, "");
    CO_TRY(const auto answer, co_await b.call("Test.Say", b.cluster));
    EXPECT_EQ(as_text(answer.msg), "Test.Say2!");
    (void)b.bus->publish(
        {.subject = "wasmbus.rpc.test." + b.service_key.public_key() + ".main.linkdefs.del",
         .reply = {},
         .headers = {},
         .data = lattice::to_msgpack(b.link("2"), false)});
    CO_TRY(const auto gone, co_await b.call("Test.Say", b.cluster));
    EXPECT_TRUE(gone.error && gone.error->starts_with("unlinked actor"));
    co_return Result<void>{};
  });
  EXPECT_EQ(bench.seen(), "put bad, put bad, put 1, put 2, del 2, stop");
}

// What a provider waits for may come: it is asked again, and it has the link meanwhile.
TEST(ProviderService, KeepsALinkThatMayWorkLater) {
  Bench bench;
  bench.run([](Bench& b) -> Task<void> {
    CO_TRY(const auto bad,
           co_await b.ask(".linkdefs.put", lattice::to_msgpack(b.link("bad"), true)));
    EXPECT_EQ(as_text(bad), R"({"accepted":false,"error":"v is bad","may_pass":false})");
    CO_TRY(const auto none, co_await b.call("Test.Say", b.cluster));
    EXPECT_TRUE(none.error && none.error->starts_with("unlinked actor"));
    CO_TRY(const auto later,
           co_await b.ask(".linkdefs.put", lattice::to_msgpack(b.link("later"), true)));
    EXPECT_EQ(as_text(later), R"({"accepted":false,"error":"no server yet","may_pass":true})");
    CO_TRY(const auto early, co_await b.call("Test.Say", b.cluster));
    EXPECT_EQ(as_text(early.msg), "Test.Saylater!");
    b.provider->ready = true;
    CO_TRY(const auto now, co_await b.put("later"));
    EXPECT_EQ(now, "");
    CO_TRY(const auto again, co_await b.put("later"));
    EXPECT_EQ(again, "");
    b.provider->ready = false;
    CO_TRY_OK(co_await b.take_back("later"));
    CO_TRY(const auto once_more, co_await b.put("later"));
    EXPECT_EQ(once_more, "no server yet");
    CO_TRY_OK(co_await b.take_back("later"));
    CO_TRY(const auto gone, co_await b.call("Test.Say", b.cluster));
    EXPECT_TRUE(gone.error && gone.error->starts_with("unlinked actor"));
    co_return Result<void>{};
  });
  EXPECT_EQ(bench.seen(), "put bad, put later, put later, del later, put later, del later, stop");
}

TEST(ProviderService, AnswersQuestionsAboutItsHealth) {
  Bench bench;
  bench.run([](Bench& b) -> Task<void> {
    CO_TRY(const auto well, co_await b.ask(".health", {}));
    EXPECT_EQ(as_text(well), "\x82\xa7healthy\xc3\xaclink_answers\xc3");
    b.provider->well = false;
    CO_TRY(const auto ill, co_await b.ask(".health", {}));
    EXPECT_EQ(as_text(ill), "\x83\xa7healthy\xc2\xaclink_answers\xc3\xa7message\xabno database");
    co_return Result<void>{};
  });
}

TEST(ProviderService, ShutsDownForItsOwnHostOnly) {
  Bench bench;
  bench.run([](Bench& b) -> Task<void> {
    struct Host {
      static Task<void> order(Bench* bench, std::string* answer) {
        CO_TRY(const auto reply,
               co_await bench->ask(".shutdown",
                                   to_bytes("{\"host_id\":\"" + bench->host.public_key() + "\"}")));
        *answer = as_text(reply);
        co_return Result<void>{};
      }
    };
    const auto another = co_await b.bus->request(
        {.subject = "wasmbus.rpc.test." + b.service_key.public_key() + ".main.shutdown",
         .reply = {},
         .headers = {},
         .data = to_bytes(R"({"host_id":"NANOTHER"})")},
        Deadline::in(50ms));
    EXPECT_FALSE(another);
    std::string answer;
    runtime::TaskGroup host(runtime::Core::current());
    host.spawn("order", Host::order(&b, &answer));
    CO_TRY_OK(co_await b.service->shutdown_asked());
    CO_TRY_OK(co_await b.service->stop(Deadline::in(kSoon)));
    CO_TRY_OK(co_await host.join(Deadline::in(kSoon)));
    EXPECT_EQ(answer, "shutting down");
    b.service.reset();
    co_return Result<void>{};
  });
  EXPECT_EQ(bench.seen(), "stop");
}

// --- the other way: from the provider to an actor ---

TEST(BusActors, CallAnActorUnderTheProvidersName) {
  Bench bench;
  bench.run([](Bench& b) -> Task<void> {
    lattice::InvocationVerifier verifier(
        {.cluster_issuers = b.data.cluster_issuers, .lattice = b.data.lattice});
    const auto now = static_cast<std::uint64_t>(std::time(nullptr));
    CO_TRY(const auto subscription,
           b.bus->subscribe(
               "wasmbus.rpc.test." + b.actor.public_key(), "q", [&](const lattice::Message& m) {
                 lattice::InvocationResponse response;
                 const auto call = lattice::decode_invocation(m.data);
                 const auto genuine = call ? verifier.verify_arrival(*call, m.subject, now)
                                           : Result<void>(fail(call.error()));
                 if (!genuine) {
                   response.error = genuine.error().detail;
                 } else if (call->operation == "Test.Fail") {
                   response.error = "not today";
                 } else {
                   response.msg = to_bytes(call->origin.contract_id + call->host_id);
                 }
                 (void)b.bus->publish({.subject = m.reply,
                                       .reply = {},
                                       .headers = {},
                                       .data = lattice::encode(response)});
               }));
    BusActors actors(*b.cores, *b.bus, *b.large, {b.service_key.public_key(), "main", "a:b"},
                     "test", b.host.public_key(), b.cluster);
    const auto in = Deadline::in(kSoon);
    CO_TRY(const auto answer, co_await actors.call(b.actor.public_key(), "Test.Do", {}, in));
    EXPECT_EQ(as_text(answer), "a:b" + b.host.public_key());
    const auto failed = co_await actors.call(b.actor.public_key(), "Test.Fail", {}, in);
    EXPECT_TRUE(!failed && failed.error().detail == "not today");
    const auto nobody = co_await actors.call(b.host.public_key(), "Test.Do", {}, in);
    EXPECT_TRUE(!nobody && nobody.error().code == Errc::not_found);
    co_return Result<void>{};
  });
}

}  // namespace
}  // namespace trellis::capability
