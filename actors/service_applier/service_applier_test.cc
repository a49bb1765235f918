// Goal: links become Services as in 2022, byte for byte in meaning, and what was missed or changed
// is put right at the next heartbeat without ever deleting on a guess.
#include "service_applier.cc"

#include <gtest/gtest.h>

#include "fake_host.h"

namespace service_applier {
namespace {

using trellis::sdk::fake_host;
using trellis::sdk::FakeHost;

constexpr auto kEcho = "MBCFOPM6JW2APJLXJD3Z5O4CN7CPYJ2B4FTKLJUR5YR5MITIU7HD3WD5";
constexpr auto kProvider = "VAG3QITQQ2ODAOWB5TTQSDJ53XK3SHBEIFNK4AYJ5RKAX2UNSCAPHA5M";
constexpr auto kSpec =
    R"("spec":{"selector":{"wasmcloud.dev/route-to":"true"},"ports":[{"protocol":"TCP","port":8080,"targetPort":8080}]})";

std::string link_json(const std::string& values = R"({"ADDRESS":"0.0.0.0:8080"})",
                      const std::string& actor = kEcho, const std::string& name = "default",
                      const std::string& contract = "wasmcloud:httpserver") {
  return R"({"id":"1","actor_id":")" + actor + R"(","provider_id":")" + kProvider +
         R"(","link_name":")" + name + R"(","contract_id":")" + contract + R"(","values":)" +
         values + "}";
}

std::string lowered(std::string text) { return lower(text); }

class ServiceApplierTest : public testing::Test {
 protected:
  void SetUp() override {
    host_ = FakeHost{};
    host_.answer = [this](const FakeHost::Call& call) { return answer(call); };
  }

  // What the actor was told, and what it said: "" or the error.
  std::string event(const std::string& type, const std::string& data,
                    const std::string& subject = "wasmbus.evt.default") {
    return message(R"({"specversion":"1.0","type":"com.wasmcloud.lattice.)" + type +
                       R"(","source":"N","data":)" + data + "}",
                   subject);
  }
  std::string message(const std::string& body, const std::string& subject = "wasmbus.evt.default") {
    trellis::sdk::Bytes payload;
    MsgpackWriter writer(payload);
    writer.map(2);
    writer.str("subject");
    writer.str(subject);
    writer.str("body");
    writer.bin(trellis::sdk::as_bytes(body));
    host_.calls.clear();
    done_.clear();
    const std::string before = "Guest call failed for method MessageSubscriber.HandleMessage: ";
    if (host_.invoke("MessageSubscriber.HandleMessage", payload)) return "";
    EXPECT_TRUE(host_.error.starts_with(before));
    return host_.error.substr(before.size());
  }

  FakeHost::Reply answer(const FakeHost::Call& call) {
    trellis::sdk::Bytes bytes;
    MsgpackWriter writer(bytes);
    MsgpackReader reader(call.payload);
    if (call.operation == "Messaging.Request") {
      if (tables_.empty()) return {false, unanswered_};
      asked_ = std::string(trellis::sdk::as_text(call.payload));
      const auto table = tables_.size() == 1 ? tables_[0] : tables_[table_++ % tables_.size()];
      writer.map(2);
      writer.str("subject");
      writer.str("_");
      writer.str("body");
      writer.bin(trellis::sdk::as_bytes(table));
    } else if (call.operation == "KubernetesApplier.Apply" ||
               call.operation == "KubernetesApplier.Repair") {
      trellis::sdk::Bytes storage;
      done_.push_back(call.operation.substr(18) + " " +
                      std::string(trellis::sdk::as_text(reader.bytes(storage))));
      return outcome(call.operation == "KubernetesApplier.Apply" ? refused_ : "");
    } else if (call.operation == "KubernetesApplier.Delete") {
      constexpr std::string_view kNames[] = {"name"};
      trellis::sdk::read_struct(reader, kNames, [&](std::string_view name) {
        if (name != "name") return false;
        done_.push_back("Delete " + std::string(reader.text()));
        return true;
      });
      return outcome(refused_);
    } else if (call.operation == "KubernetesApplier.List") {
      listed_for_ = std::string(trellis::sdk::as_text(call.payload));
      if (list_ == "2022") return {false, "method not handled KubernetesApplier.List"};
      if (list_.empty()) return outcome("services is forbidden");
      writer.map(2);
      writer.str("succeeded");
      writer.boolean(true);
      writer.str("objects");
      writer.bin(trellis::sdk::as_bytes(list_));
    }
    return {true, std::string(trellis::sdk::as_text(bytes))};
  }
  static FakeHost::Reply outcome(const std::string& error) {
    trellis::sdk::Bytes bytes;
    MsgpackWriter writer(bytes);
    writer.map(error.empty() ? 1 : 2);
    writer.str("succeeded");
    writer.boolean(error.empty());
    if (!error.empty()) {
      writer.str("error");
      writer.str(error);
    }
    return {true, std::string(trellis::sdk::as_text(bytes))};
  }
  void table(const std::vector<std::string>& links) {
    std::string all;
    for (const auto& link : links) all += (all.empty() ? "" : ",") + link;
    tables_.push_back(R"({"links":[)" + all + "]}");
  }
  static std::string labels(const std::string& actor = kEcho, const std::string& extra = "") {
    return R"({"wasmcloud.dev/actor-id":")" + actor +
           R"(","wasmcloud.dev/contract":"httpserver",)" + extra +
           R"("wasmcloud.dev/link-name":"default","wasmcloud.dev/provider-id":")" + kProvider +
           "\"}";
  }
  static std::string service(const std::string& actor = kEcho, const std::string& spec = kSpec) {
    return R"({"apiVersion":"v1","kind":"Service","metadata":{"name":")" + lowered(actor) +
           R"(","labels":)" + labels(actor, R"("wasmcloud.dev/lattice":"default",)") + "}," + spec +
           "}";
  }

  FakeHost& host_ = fake_host();
  std::vector<std::string> tables_;  // answers to get.links, in turn; none: unanswered_
  std::size_t table_ = 0;
  std::string unanswered_ = "no responders: nobody listens on 'wasmbus.ctl.default.get.links'";
  std::string list_ = "[]", refused_, asked_, listed_for_;
  std::vector<std::string> done_;
};

TEST_F(ServiceApplierTest, AppliesAServiceForALinkAsIn2022) {
  EXPECT_EQ(event("linkdef_set", link_json(), "anything"), "");
  ASSERT_EQ(done_.size(), 1u);
  EXPECT_EQ(done_[0], R"(Apply {"apiVersion":"v1","kind":"Service","metadata":{"name":")" +
                          lowered(kEcho) + R"(","labels":)" + labels() + "}," + kSpec + "}");
  EXPECT_EQ(event("linkdef_set", link_json()), "");  // in a lattice that is known by its subject
  EXPECT_EQ(done_, std::vector<std::string>{"Apply " + service()});
  EXPECT_EQ(event("linkdef_deleted", link_json()), "");
  EXPECT_EQ(done_, std::vector<std::string>{"Delete " + lowered(kEcho)});
}

TEST_F(ServiceApplierTest, SaysWhatTheClusterHasAgainstIt) {
  refused_ = "no";
  EXPECT_EQ(event("linkdef_set", link_json()), "Unable to apply kubernetes service: no");
  EXPECT_EQ(event("linkdef_deleted", link_json()), "Unable to delete kubernetes service: no");
}

TEST_F(ServiceApplierTest, WithoutAnAnswerChangesNothingButWhereItMayNotAskIsAsIn2022) {
  const auto stays = std::string("The lattice does not say which links actor ") + kEcho +
                     " has, and its Service stays as it is; the next heartbeat repairs it";
  for (const auto* why : {"timeout: nats request timed out", "the bus is not connected"}) {
    unanswered_ = why;
    EXPECT_EQ(event("linkdef_set", link_json()), stays) << why;
    EXPECT_EQ(event("linkdef_deleted", link_json()), stays) << why;
    EXPECT_TRUE(done_.empty());
  }
  table({});  // from a host that has just joined
  EXPECT_EQ(event("linkdef_deleted", link_json()), stays);
  EXPECT_TRUE(done_.empty());
  tables_.clear();
  unanswered_ =
      "wasmbus.ctl.default.get.links is the lattice's own, unless the link says LATTICE=allow";
  EXPECT_EQ(event("linkdef_set", link_json()), "");
  EXPECT_EQ(done_, std::vector<std::string>{"Apply " + service()});
  EXPECT_EQ(event("linkdef_deleted", link_json()), "");
  EXPECT_EQ(done_, std::vector<std::string>{"Delete " + lowered(kEcho)});
}

TEST_F(ServiceApplierTest, MakesNamesOfLinksFitIntoLabels) {
  EXPECT_EQ(event("linkdef_set", link_json("{}", kEcho, "my link/1!")), "");
  ASSERT_EQ(done_.size(), 1u);
  EXPECT_NE(done_[0].find(R"("wasmcloud.dev/link-name":"my-link-1")"), std::string::npos);
}

TEST_F(ServiceApplierTest, SkipsEverythingElse) {
  EXPECT_EQ(event("actor_started", "{}"), "");
  EXPECT_EQ(event("linkdef_set", link_json("{}", kEcho, "default", "wasmcloud:keyvalue")), "");
  EXPECT_EQ(message(R"({"type":"other"})"), "");
  EXPECT_TRUE(done_.empty());
  EXPECT_EQ(event("linkdef_set", R"({"actor_id":"M"})"),
            "invalid parameter: Event does not have key contract_id");
  EXPECT_EQ(message(R"({"type":"com.wasmcloud.lattice.linkdef_set"})"),
            "invalid parameter: Event does not have key data");
  EXPECT_TRUE(message("nonsense").starts_with("deserialization: Invalid JSON data in message: "));
}

TEST_F(ServiceApplierTest, TakesThePortByTheRuleOf2022) {
  const auto port = [](Values values) {
    const auto found = port_of(values);
    return found ? std::to_string(*found) : found.error().text;
  };
  EXPECT_EQ(port({}), "8080");
  EXPECT_EQ(port({{"config_json", "{}"}}), "8080");
  EXPECT_EQ(port({{"port", "1"}, {"address", "0.0.0.0:2"}}), "1");
  for (const auto* good : {"0.0.0.0:81", "[::]:81", "[::1]:81", "[fe80::1%2]:81",
                           "[1:2:3:4:5:6:7:8]:81", "[::ffff:1.2.3.4]:81"})
    EXPECT_EQ(port({{"address", good}}), "81") << good;
  for (const auto* bad : {"localhost:81", "0.0.0.0", "0.0.0.0:", "0.0.0.0:65536", "0.0.0:81", ":81",
                          "256.0.0.1:81", "01.0.0.1:81", "::1:81", "[1::2::3]:81", "[::12345]:81",
                          "[1:2:3:4:5:6:7]:81", "[:]:81", "1.2.3.4.5:81", "0.0.0.0:0", ""})
    EXPECT_EQ(port({{"address", bad}}), "invalid parameter: Address value is malformed") << bad;
  for (const auto* bad : {"", "x", "-1", "0", "65536", "99999999999", "8080 "})
    EXPECT_EQ(port({{"port", bad}}), "invalid parameter: Port value is malformed") << bad;
  EXPECT_EQ(event("linkdef_set", link_json(R"({"Address":"localhost:1"})")),
            "invalid parameter: Address value is malformed");
  EXPECT_TRUE(done_.empty());
}

TEST_F(ServiceApplierTest, GivesEachOfSeveralLinksAPort) {
  table({link_json(R"({"PORT":"8081"})", kEcho, "Admin_UI"), link_json("{}", "MOTHER")});
  EXPECT_EQ(event("linkdef_set", link_json()), "");
  EXPECT_EQ(
      done_,
      std::vector<std::string>{
          "Apply " +
          service(kEcho,
                  R"("spec":{"selector":{"wasmcloud.dev/route-to":"true"},"ports":[)"
                  R"({"name":"default","protocol":"TCP","port":8080,"targetPort":8080},)"
                  R"({"name":"admin-ui","protocol":"TCP","port":8081,"targetPort":8081}]})")});
  EXPECT_NE(asked_.find("wasmbus.ctl.default.get.links"), std::string::npos);
  tables_.clear();
  table({link_json(), link_json(R"({"PORT":"8081"})", kEcho, "admin")});  // before it was told
  EXPECT_EQ(event("linkdef_deleted", link_json("{}", kEcho, "admin")), "");
  EXPECT_EQ(done_, std::vector<std::string>{"Apply " + service()});
  tables_.clear();
  table({link_json(R"({"PORT":"x"})")});
  EXPECT_EQ(event("linkdef_deleted", link_json("{}", kEcho, "admin")), "");
  EXPECT_TRUE(done_.empty());  // its other link is there, whatever its port may be
}

TEST_F(ServiceApplierTest, NamesPortsSoThatNoTwoAreTheSame) {
  const auto ports = ports_of(
      {Link{"M", "V", "a.b", "c", {{"port", "1"}}}, Link{"M", "V", "a-b", "c", {{"port", "2"}}},
       Link{"M", "V", "___", "c", {{"port", "3"}}}, Link{"M", "V", "d", "c", {{"port", "3"}}}});
  ASSERT_EQ(ports.size(), 3u);
  EXPECT_EQ(ports[0].name, "a-b");
  EXPECT_EQ(ports[1].name, "a-b-2");
  EXPECT_EQ(ports[2].name, "p3");
}

TEST_F(ServiceApplierTest, AHeartbeatMakesServicesWhatTheLinksSay) {
  const std::string one = "MONE", two = "MTWO", three = "MTHREE", four = "MFOUR", five = "MFIVE";
  table({link_json("{}", one), link_json("{}", two), link_json("{}", three),
         link_json(R"({"ADDRESS":"nowhere"})", four),
         link_json("{}", five, "x", "other:contract")});
  auto edited = service(two);
  edited.replace(edited.find("8080"), 4, "9090");
  list_ = "[" + service(one) + "," + edited + "," + service(four) + "," + service(five) + "]";
  EXPECT_EQ(event("host_heartbeat", "{}"), "");
  EXPECT_EQ(done_, (std::vector<std::string>{"Apply " + service(three), "Repair " + service(two),
                                             "Delete mfive"}));
  EXPECT_NE(listed_for_.find("wasmcloud.dev/lattice=default"), std::string::npos);
  list_ = "[" + service(one) + "," + service(two) + "," + service(three) + "]";
  EXPECT_EQ(event("host_heartbeat", "{}"), "");
  EXPECT_TRUE(done_.empty());
}

TEST_F(ServiceApplierTest, ALinkOfItsOwnIsAReasonToLookAtAll) {
  table({link_json()});
  for (const auto* contract : {"wasmcloud:messaging", "cosmonic:kubernetes_applier"}) {
    EXPECT_EQ(event("linkdef_set", link_json("{}", "MSELF", "default", contract)), "");
    EXPECT_EQ(done_, std::vector<std::string>{"Apply " + service()}) << contract;
  }
}

TEST_F(ServiceApplierTest, DeletesNothingUnlessEveryAnswerLacksTheLink) {
  list_ = "[" + service() + "]";
  EXPECT_EQ(event("host_heartbeat", "{}"), "");  // nobody answers
  EXPECT_TRUE(done_.empty());
  const auto other = link_json("{}", "MSELF", "default", "wasmcloud:messaging");
  table({other});
  table({other});
  table({link_json()});
  EXPECT_EQ(event("host_heartbeat", "{}"), "");
  EXPECT_TRUE(done_.empty());
  tables_.clear();
  table({});  // a host that has just joined
  EXPECT_EQ(event("host_heartbeat", "{}"), "");
  tables_.clear();
  table_ = 0;
  table({other});
  table({other});
  table({});
  EXPECT_EQ(event("host_heartbeat", "{}"), "");
  EXPECT_EQ(table_, 3u);
  EXPECT_TRUE(done_.empty());
  tables_ = {"{\"accepted\":false}"};
  EXPECT_EQ(event("host_heartbeat", "{}"), "");
  tables_ = {"{\"links\":["};
  EXPECT_EQ(event("host_heartbeat", "{}"), "");
  EXPECT_TRUE(done_.empty());
  tables_.clear();
  table({other});
  EXPECT_EQ(event("host_heartbeat", "{}"), "");
  EXPECT_EQ(done_, std::vector<std::string>{"Delete " + lowered(kEcho)});
}

TEST_F(ServiceApplierTest, WithAProviderThatCannotListAppliesAllAndDeletesNothing) {
  table({link_json("{}", "MA"), link_json("{}", "MB")});
  list_ = "2022";
  EXPECT_EQ(event("host_heartbeat", "{}"), "");
  EXPECT_EQ(done_, (std::vector<std::string>{"Apply " + service("MA"), "Apply " + service("MB")}));
  list_ = "";
  EXPECT_EQ(event("host_heartbeat", "{}"),
            "Unable to list kubernetes services: services is forbidden");
  ASSERT_EQ(done_.size(), 1u);
  EXPECT_TRUE(done_[0].starts_with(R"(Apply {"apiVersion":"v1","kind":"List","items":[)"));
}

TEST_F(ServiceApplierTest, RepairsWhatCannotBeApplied) {
  table({link_json()});
  refused_ = "conflict";
  EXPECT_EQ(event("host_heartbeat", "{}"), "");
  EXPECT_EQ(done_, (std::vector<std::string>{"Apply " + service(), "Repair " + service()}));
}

TEST_F(ServiceApplierTest, WorksThroughThousandsOfLinks) {
  std::vector<std::string> links;
  std::string all;
  for (int i = 0; i < 2'000; ++i) {
    links.push_back(link_json("{}", "M" + std::to_string(i)));
    if (i > 0) all += (all.empty() ? "" : ",") + service("M" + std::to_string(i));
  }
  table(links);
  list_ = "[" + all + "]";
  EXPECT_EQ(event("host_heartbeat", "{}"), "");
  EXPECT_EQ(done_, std::vector<std::string>{"Apply " + service("M0")});
}

}  // namespace
}  // namespace service_applier
