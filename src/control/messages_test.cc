// The bodies are those captured from the clients of 2022 (docs/protocol.md §12) and the answers of
// §6.
#include "control/messages.h"

#include <gtest/gtest.h>

#include "codec/json.h"

namespace trellis::control {
namespace {

constexpr const char* kHost = "NCPGH5CVPO3BAZ5OSQKXYHDKPBT3JXLG5EAOTG7XOXUWJ6AHZCFT57SI";

template <class T>
std::string written(const T& message) {
  return codec::json_write(to_json(message));
}

TEST(Commands, AreWrittenAsTheClientsOf2022WroteThem) {
  EXPECT_EQ(written(ActorAuction{"reg/echo:0.3.4", {}, ""}),
            R"({"actor_ref":"reg/echo:0.3.4","constraints":{}})");
  EXPECT_EQ(written(ProviderAuction{"reg/h:1", "foo", {}, ""}),
            R"({"constraints":{},"link_name":"foo","provider_ref":"reg/h:1"})");
  EXPECT_EQ(written(StartActor{"reg/echo:0.3.4", "N1", 2, {}}),
            R"({"actor_ref":"reg/echo:0.3.4","count":2,"host_id":"N1"})");
  EXPECT_EQ(written(StartProvider{"reg/h:1", "foo", "N1", "", {}}),
            R"({"host_id":"N1","link_name":"foo","provider_ref":"reg/h:1"})");
  EXPECT_EQ(written(StartProvider{"reg/h:1", "foo", "N1", "{}", {}}),
            R"({"configuration":"{}","host_id":"N1","link_name":"foo","provider_ref":"reg/h:1"})");
  EXPECT_EQ(written(StopActor{"M1", "N1", 1, {}}),
            R"({"actor_ref":"M1","count":1,"host_id":"N1"})");
  EXPECT_EQ(written(StopProvider{"V1", "default", "wasmcloud:httpserver", "N1", {}}),
            R"({"contract_id":"wasmcloud:httpserver","host_id":"N1","link_name":"default",)"
            R"("provider_ref":"V1"})");
  EXPECT_EQ(written(ScaleActor{"M1", "reg/echo:0.3.4", "N1", 3, {}}),
            R"({"actor_id":"M1","actor_ref":"reg/echo:0.3.4","annotations":{},"count":3,)"
            R"("host_id":"N1"})");
  EXPECT_EQ(written(UpdateActor{"M1", "reg/echo:0.3.5", "N1", {}}),
            R"({"actor_id":"M1","host_id":"N1","new_actor_ref":"reg/echo:0.3.5"})");
  EXPECT_EQ(written(StopHost{"N1", 2000}), R"({"host_id":"N1","timeout":2000})");
  EXPECT_EQ(written(LinkDefinition{
                "M1", "V1", "default", "wasmcloud:httpserver", {{"PORT", "8080"}}, "", ""}),
            R"({"actor_id":"M1","provider_id":"V1","link_name":"default",)"
            R"("contract_id":"wasmcloud:httpserver","values":{"PORT":"8080"}})");
  EXPECT_EQ(written(LinkDefinition{"M1", "", "default", "wasmcloud:httpserver", {}, "", ""}),
            R"({"actor_id":"M1","provider_id":"","link_name":"default",)"
            R"("contract_id":"wasmcloud:httpserver","values":{}})");
}

TEST(Commands, AnnotationsAreWrittenWhenThereAreSome) {
  EXPECT_EQ(written(StartActor{"r", "N1", 1, {{"a", "b"}}}),
            R"({"actor_ref":"r","annotations":{"a":"b"},"count":1,"host_id":"N1"})");
}

TEST(Commands, ComeBackAsTheyWereWritten) {
  Result<StartActor> start = parse<StartActor>(written(StartActor{"r", "N1", 7, {{"a", "b=="}}}));
  ASSERT_TRUE(start);
  EXPECT_EQ(start->actor_ref, "r");
  EXPECT_EQ(start->host_id, "N1");
  EXPECT_EQ(start->count, 7);
  EXPECT_EQ(start->annotations, (StringMap{{"a", "b=="}}));
  Result<StartProvider> provider = parse<StartProvider>(
      R"({"configuration":"{\"url\":1}","host_id":"N1","link_name":"foo","provider_ref":"reg/h:1"})");
  ASSERT_TRUE(provider);
  EXPECT_EQ(provider->configuration, R"({"url":1})");
  Result<StopHost> stop = parse<StopHost>(R"({"host_id":"N1","timeout":2000})");
  ASSERT_TRUE(stop);
  EXPECT_EQ(stop->timeout_ms, 2000u);
}

TEST(StartActorParser, CountIsOneWhenAbsentNullOrZero) {
  for (const char* body :
       {R"({"actor_ref":"r"})", R"({"actor_ref":"r","count":null})",
        R"({"actor_ref":"r","count":0})", R"({"actor_ref":"r","annotations":null})"}) {
    Result<StartActor> start = parse<StartActor>(body);
    ASSERT_TRUE(start) << body;
    EXPECT_EQ(start->count, 1) << body;
  }
}

TEST(StopActorParser, ZeroMeansAllAndCountMustBeSaid) {
  Result<StopActor> all = parse<StopActor>(R"({"actor_ref":"M1","count":0})");
  ASSERT_TRUE(all);
  EXPECT_EQ(all->count, 0);
  EXPECT_FALSE(parse<StopActor>(R"({"actor_ref":"M1"})"));
}

TEST(CommandParsers, RefuseWithTheTextsOf2022) {
  auto text = [](const auto& result) {
    return result ? std::string("accepted") : result.error().detail;
  };
  EXPECT_EQ(text(parse<StartActor>("nonsense")), "Invalid launch actor JSON request");
  EXPECT_EQ(text(parse<StartActor>(R"({"host_id":"N1"})")), "Invalid launch actor JSON request");
  EXPECT_EQ(text(parse<StartActor>(R"({"actor_ref":"r","count":-1})")),
            "Invalid launch actor JSON request");
  EXPECT_EQ(text(parse<StartActor>(R"({"actor_ref":"r","count":70000})")),
            "Invalid launch actor JSON request");
  EXPECT_EQ(text(parse<StopActor>("{}")), "Invalid request to stop actor");
  EXPECT_EQ(text(parse<ScaleActor>("[]")), "Invalid scale actor JSON request");
  EXPECT_EQ(text(parse<UpdateActor>("{}")), "Invalid JSON request to update actor");
  EXPECT_EQ(text(parse<StartProvider>(R"({"provider_ref":"r"})")),
            "Improperly formed start provider command JSON");
  EXPECT_EQ(text(parse<StopProvider>("")), "Invalid JSON request for stop provider");
  EXPECT_EQ(text(parse<StopHost>("{")).substr(0, 33), "Unable to parse stop host command");
}

TEST(HostDescriptionParser, ReadsAnAnswerOf2022) {
  Result<HostDescription> host = parse<HostDescription>(R"({"id":"N1","issuer":"C1",
    "labels":{"hostcore.os":"linux"},"friendly_name":"silent-lake-1234","uptime_seconds":12,
    "uptime_human":"12 seconds","version":"0.59.0","cluster_issuers":"C1,C2","js_domain":null,
    "ctl_host":"127.0.0.1","prov_rpc_host":"127.0.0.1","rpc_host":"127.0.0.1","lattice_prefix":"default"})");
  ASSERT_TRUE(host);
  EXPECT_EQ(host->uptime_seconds, 12u);
  EXPECT_EQ(host->labels.at("hostcore.os"), "linux");
  EXPECT_FALSE(host->js_domain);
  EXPECT_EQ(host->version, "0.59.0");
}

TEST(HostDescriptionParser, NeedsOnlyTheId) {
  EXPECT_TRUE(parse<HostDescription>(R"({"id":"N1","uptime_seconds":0,"future":[1]})"));
  EXPECT_FALSE(parse<HostDescription>(R"({"uptime_seconds":1})"));
}

TEST(HostDescription, IsWrittenWithEveryFieldOf2022) {
  HostDescription host;
  host.id = kHost;
  host.uptime_seconds = 3;
  boost::json::object json = to_json(host);
  for (const char* key :
       {"id", "issuer", "labels", "friendly_name", "uptime_seconds", "uptime_human", "version",
        "cluster_issuers", "js_domain", "ctl_host", "prov_rpc_host", "rpc_host", "lattice_prefix"})
    EXPECT_TRUE(json.contains(key)) << key;
  EXPECT_TRUE(json["js_domain"].is_null());
}

TEST(HostInventory, SurvivesTheWire) {
  HostInventory inventory;
  inventory.host_id = kHost;
  inventory.labels = {{"hostcore.os", "linux"}};
  inventory.actors.push_back(
      {"M1", "reg/echo:0.3.4", "Echo", {{"i-1", 4, {{"k", "v"}}}}, "sha256:1", "fresh"});
  ProviderDescription provider;
  provider.id = "V1";
  provider.link_name = "default";
  provider.contract_id = "wasmcloud:httpserver";
  provider.revision = 1644594344;
  provider.links.push_back({"M1", "failed", "port 8080 is taken"});
  inventory.providers.push_back(provider);

  Result<HostInventory> back = parse<HostInventory>(written(inventory));
  ASSERT_TRUE(back) << back.error().detail;
  ASSERT_EQ(back->actors.size(), 1u);
  EXPECT_EQ(back->actors[0].instances.at(0).revision, 4);
  EXPECT_EQ(back->actors[0].instances.at(0).annotations, (StringMap{{"k", "v"}}));
  EXPECT_EQ(back->actors[0].mode, "fresh");
  ASSERT_EQ(back->providers.size(), 1u);
  EXPECT_EQ(back->providers[0].revision, 1644594344);
  EXPECT_EQ(back->providers[0].links.at(0).reason, "port 8080 is taken");
}

TEST(HostInventoryParser, AcceptsNullNamesAndReferences) {
  Result<HostInventory> inventory = parse<HostInventory>(
      R"({"host_id":"N1","labels":{},"actors":[{"id":"M1","image_ref":null,"name":null,"instances":[]}],
          "providers":[]})");
  ASSERT_TRUE(inventory) << inventory.error().detail;
  EXPECT_EQ(inventory->actors.at(0).name, "");
}

TEST(HostInventoryParser, NamesWhatIsWrong) {
  Result<HostInventory> inventory =
      parse<HostInventory>(R"({"host_id":"N1","actors":[{"image_ref":"r"}]})");
  ASSERT_FALSE(inventory);
  EXPECT_NE(inventory.error().detail.find("`id` must be present"), std::string::npos)
      << inventory.error().detail;
}

TEST(ClaimsListParser, AcceptsANullVersion) {
  Result<ClaimsList> list = parse<ClaimsList>(
      R"({"claims":[{"sub":"M1","iss":"A1","caps":"a,b","rev":"4","version":null,"tags":""}]})");
  ASSERT_TRUE(list) << list.error().detail;
  EXPECT_EQ(list->claims.at(0).at("caps"), "a,b");
  EXPECT_EQ(list->claims.at(0).at("version"), "");
}

TEST(ClaimsListParser, RefusesWhatIsNotAListOfRecords) {
  EXPECT_FALSE(parse<ClaimsList>(R"({"claims":{}})"));
  EXPECT_FALSE(parse<ClaimsList>(R"({"claims":[1]})"));
  EXPECT_FALSE(parse<ClaimsList>(R"({})"));
}

TEST(LinkListParser, ReadsStatusWhenTheHostSaysIt) {
  Result<LinkList> list = parse<LinkList>(
      R"({"links":[{"actor_id":"M1","provider_id":"V1","link_name":"default","contract_id":"c:d",
          "values":{"PORT":"80"}},
          {"actor_id":"M2","provider_id":"V1","link_name":"default","contract_id":"c:d","values":{},
          "status":"failed","reason":"address in use"}]})");
  ASSERT_TRUE(list) << list.error().detail;
  EXPECT_EQ(list->links.at(0).status, "");
  EXPECT_EQ(list->links.at(1).reason, "address in use");
  EXPECT_EQ(list->links.at(0).values.at("PORT"), "80");
}

TEST(AckParser, NeedsAccepted) {
  Result<Ack> refused = parse<Ack>(R"({"accepted":false,"error":"no"})");
  ASSERT_TRUE(refused);
  EXPECT_FALSE(refused->accepted);
  EXPECT_EQ(refused->error, "no");
  EXPECT_FALSE(parse<Ack>("{}"));
  EXPECT_FALSE(parse<Ack>(""));
}

}  // namespace
}  // namespace trellis::control
