// Goal: every event has exactly the fields of docs/protocol.md §7, with their types. Method: its
// JSON against the text of the whole data object.
#include "lattice/events.h"

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

namespace trellis::lattice {
namespace {

namespace json = boost::json;

const Events& events() {
  static const Events made("NHOST");
  return made;
}

const StringMap kLabels{{"hostcore.os", "linux"}};
const HeartbeatProvider kProvider{"V1", "default", "wasmcloud:httpserver", "i2"};

void expect_event(const codec::CloudEvent& event, const char* type, const char* data) {
  EXPECT_EQ(event.type, type);
  EXPECT_EQ(event.source, "NHOST");
  EXPECT_EQ(event.id.size(), 36u);
  EXPECT_EQ(event.time.size(), 27u) << event.time;
  const auto expected = json::parse(data);
  EXPECT_EQ(json::value(event.data), expected)
      << "is       " << json::serialize(event.data) << "\nshall be " << json::serialize(expected);
}

TEST(Events, OfTheHost) {
  expect_event(events().host_started(kLabels, "quiet-lake-1"), "com.wasmcloud.lattice.host_started",
               R"({"labels":{"hostcore.os":"linux"},"friendly_name":"quiet-lake-1"})");
  expect_event(events().host_stopped(kLabels), "com.wasmcloud.lattice.host_stopped",
               R"({"labels":{"hostcore.os":"linux"}})");
  const Heartbeat heartbeat{.actors = {{"M1", "i1"}, {"M1", "i2"}},
                            .providers = {kProvider},
                            .labels = kLabels,
                            .friendly_name = "quiet-lake-1",
                            .version = "0.1.0",
                            .uptime_human = "12 seconds",
                            .uptime_seconds = 12};
  expect_event(
      events().host_heartbeat(heartbeat), "com.wasmcloud.lattice.host_heartbeat",
      R"({"actors":[{"public_key":"M1","instance_id":"i1"},{"public_key":"M1","instance_id":"i2"}],
                   "providers":[{"public_key":"V1","link_name":"default",
                                 "contract_id":"wasmcloud:httpserver","instance_id":"i2"}],
                   "labels":{"hostcore.os":"linux"},"friendly_name":"quiet-lake-1","version":"0.1.0",
                   "uptime_seconds":12,"uptime_human":"12 seconds"})");
}

TEST(Events, OfActors) {
  claims::ActorClaims claims;
  claims.issuer = "A1";
  claims.subject = "M1";
  claims.issued_at = 1'600'000'000;
  claims.name = "Echo";
  claims.caps = {"wasmcloud:httpserver"};
  claims.rev = 4;
  claims.ver = "0.3.4";
  const ActorStarted started{"reg/echo:0.3.4", 1, "i1", {{"team", "blue"}}};
  expect_event(
      events().actor_started(claims, started, 1'669'593'600), "com.wasmcloud.lattice.actor_started",
      R"({"public_key":"M1","image_ref":"reg/echo:0.3.4","api_version":1,"instance_id":"i1",
                   "annotations":{"team":"blue"},
                   "claims":{"call_alias":null,"caps":["wasmcloud:httpserver"],"issuer":"A1","tags":[],
                             "name":"Echo","version":"0.3.4","revision":4,
                             "not_before_human":"immediately","expires_human":"never"}})");
  expect_event(events().actor_start_failed("reg/x", "no such thing"),
               "com.wasmcloud.lattice.actor_start_failed",
               R"({"actor_ref":"reg/x","error":"no such thing"})");
  expect_event(events().actor_stopped("M1", "i1"), "com.wasmcloud.lattice.actor_stopped",
               R"({"public_key":"M1","instance_id":"i1"})");
  expect_event(events().actor_updated("M1", 5, "i1"), "com.wasmcloud.lattice.actor_updated",
               R"({"public_key":"M1","revision":5,"instance_id":"i1"})");
  expect_event(events().actor_update_failed("M1", 5, "i1", "older"),
               "com.wasmcloud.lattice.actor_update_failed",
               R"({"public_key":"M1","revision":5,"instance_id":"i1","reason":"older"})");
}

TEST(Events, OfProviders) {
  claims::ProviderClaims claims;
  claims.issuer = "A1";
  claims.subject = "V1";
  claims.name = "HTTP Server";
  const ProviderStarted started{"reg/http:1", "default", "wasmcloud:httpserver", "i2", {}};
  expect_event(events().provider_started(claims, started, 1'669'593'600),
               "com.wasmcloud.lattice.provider_started",
               R"({"public_key":"V1","image_ref":"reg/http:1","link_name":"default",
                   "contract_id":"wasmcloud:httpserver","instance_id":"i2","annotations":{},
                   "claims":{"issuer":"A1","tags":[],"name":"HTTP Server","version":null,
                             "not_before_human":"immediately","expires_human":"never"}})");
  expect_event(events().provider_start_failed("reg/http:1", "default", "gone"),
               "com.wasmcloud.lattice.provider_start_failed",
               R"({"provider_ref":"reg/http:1","link_name":"default","error":"gone"})");
  expect_event(events().provider_stopped(kProvider, "normal"),
               "com.wasmcloud.lattice.provider_stopped",
               R"({"public_key":"V1","link_name":"default","contract_id":"wasmcloud:httpserver",
                   "instance_id":"i2","reason":"normal"})");
  expect_event(events().health_check_passed("V1", "default"),
               "com.wasmcloud.lattice.health_check_passed",
               R"({"public_key":"V1","link_name":"default"})");
  expect_event(events().health_check_failed("V1", "default"),
               "com.wasmcloud.lattice.health_check_failed",
               R"({"public_key":"V1","link_name":"default"})");
}

TEST(Events, OfLinksAndReferences) {
  const Link link{"Mbob", "V1", "default", "wasmcloud:testy", {{"PORT", "8080"}}};
  const auto* data =
      R"({"id":"B40411AD09B70A2C83D59923584F66BA2C5A3C274DC4F19416DA49CCD6531F9C","actor_id":"Mbob",
          "provider_id":"V1","link_name":"default","contract_id":"wasmcloud:testy",
          "values":{"PORT":"8080"}})";
  expect_event(events().linkdef_set(link), "com.wasmcloud.lattice.linkdef_set", data);
  expect_event(events().linkdef_deleted(link), "com.wasmcloud.lattice.linkdef_deleted", data);
  expect_event(events().refmap_set("reg/echo:1", "M1"), "com.wasmcloud.lattice.refmap_set",
               R"({"oci_url":"reg/echo:1","public_key":"M1"})");
}

TEST(Events, OfInvocations) {
  const Entity actor{"M1", "", ""}, provider{"V1", "default", "wasmcloud:keyvalue"};
  const auto* data =
      R"({"source":{"public_key":"M1","contract_id":null,"link_name":null},
          "dest":{"public_key":"V1","contract_id":"wasmcloud:keyvalue","link_name":"default"},
          "operation":"KeyValue.Get","bytes":3})";
  expect_event(events().invocation_succeeded(actor, provider, "KeyValue.Get", 3),
               "com.wasmcloud.lattice.invocation_succeeded", data);
  expect_event(events().invocation_failed(actor, provider, "KeyValue.Get", 3),
               "com.wasmcloud.lattice.invocation_failed", data);
}

TEST(Events, HaveIdsOfTheirOwn) {
  EXPECT_NE(events().actor_stopped("M1", "i").id, events().actor_stopped("M1", "i").id);
}

}  // namespace
}  // namespace trellis::lattice
