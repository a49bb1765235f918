// Goal: what actors hand over is in the cluster afterwards, nothing of anybody else's is touched,
// and whatever goes wrong is told with what to do about it.
#include "kubernetes/kubernetes_provider.h"

#include <gtest/gtest.h>

#include <fstream>
#include <thread>

#include "codec/base64.h"
#include "codec/msgpack.h"
#include "kubernetes/fake_api.h"
#include "lattice/temporary_folder.h"

namespace trellis::kubernetes {
namespace {

using namespace std::chrono_literals;

constexpr auto kServices = "/api/v1/namespaces/here/services/";
constexpr auto kService = R"(
apiVersion: v1
kind: Service
metadata: {name: a}
spec:
  ports: [{port: 8080}]
)";
constexpr auto kOurs = R"("managedFields":[{"manager":"kubernetes-applier-provider",
  "operation":"Apply","apiVersion":"v1","fieldsV1":{"f:spec":{}}}])";

class NoActors final : public capability::Actors {
 public:
  runtime::Task<Bytes> call(std::string_view, std::string_view, BytesView,
                            runtime::Deadline) override {
    co_return fail(Errc::not_found, "test", "an applier calls nobody");
  }
};

class KubernetesProviderTest : public ::testing::Test {
 protected:
  KubernetesProviderTest() : cores_(runtime::test_cores(2)) { start("apps/v1/Deployment/rel"); }
  ~KubernetesProviderTest() override { stop(); }

  void start(std::string owner) {
    Environment environment;
    environment.owner = std::move(owner);
    capability::ProviderContext context{.cores = *cores_,
                                        .actors = actors_,
                                        .link_name = "default",
                                        .config_json = "",
                                        .rpc_timeout = 2s,
                                        .data_dir = "",
                                        .bus = {}};
    provider_ = std::make_unique<KubernetesProvider>(std::move(context), std::move(environment));
    api_.put("/apis/apps/v1/namespaces/here/deployments/rel", R"({"metadata":{"uid":"u-1"}})");
  }
  void stop() {
    EXPECT_TRUE(on_core<void>([this] { return provider_->stop(runtime::Deadline::in(5s)); }));
    provider_.reset();
  }
  template <class T>
  Result<T> on_core(std::function<runtime::Task<T>()> make, unsigned core = 0) {
    return cores_->run_blocking<T>(core, std::move(make));
  }
  std::string config(std::string_view server = "", std::string_view token = "good") const {
    const auto text = fmt::format(
        "clusters: [{{name: c, cluster: {{server: \"{}\"}}}}]\n"
        "users: [{{name: u, user: {{token: {}}}}}]\n"
        "contexts: [{{name: x, context: {{cluster: c, user: u, namespace: here}}}}]\n"
        "current-context: x\n",
        server.empty() ? api_.url() : server, token);
    return codec::base64_encode(as_bytes(text), codec::Base64::standard);
  }
  std::string put(std::map<std::string, std::string> values = {}) {
    link_.actor_id = "M1";
    link_.values = std::move(values);
    link_.values.emplace("config_b64", config());
    const auto done = on_core<void>([this] { return provider_->link_put(link_); });
    return done ? "" : done.error().detail;
  }
  // The answer's error, "" for success; what is no answer begins with "!".
  std::string call(std::string_view operation, const Bytes& payload,
                   std::chrono::milliseconds timeout = 5s) {
    const auto answer = on_core<Bytes>(
        [&] {
          return provider_->handle(link_, operation, payload, runtime::Deadline::in(timeout));
        },
        1);
    if (!answer) return "!" + answer.error().detail;
    codec::MsgpackReader in(*answer);
    bool succeeded = false;
    std::string error;
    const auto members = *in.map();
    for (std::size_t i = 0; i < members; ++i) {
      const auto name = *in.text();
      if (name == "succeeded") succeeded = *in.boolean();
      if (name == "error") error = *in.text();
      if (name == "objects") objects_ = as_text(*in.bytes_view());
    }
    EXPECT_EQ(succeeded, error.empty());
    return error;
  }
  std::string apply(std::string_view text, std::string_view operation = capability::kApply) {
    Bytes payload;
    codec::MsgpackWriter(payload).bin(as_bytes(text));
    return call(operation, payload);
  }
  std::string query(std::string_view operation, std::string_view name = "",
                    std::string_view group = "", std::string_view kind = "Service") {
    Bytes payload;
    codec::MsgpackWriter out(payload);
    out.map(4);
    for (const auto& [key, value] :
         {std::pair{"group", group}, {"version", "v1"}, {"kind", kind}, {"name", name}}) {
      out.str(key);
      out.str(value);
    }
    return call(operation, payload);
  }
  json::object at(const std::string& path) { return api_.objects.at(path); }
  std::string service(std::string_view metadata) {
    return fmt::format(R"({{"apiVersion":"v1","kind":"Service",
      "metadata":{{"name":"a","uid":"1","resourceVersion":"7",{}}}}})",
                       metadata);
  }

  FakeApi api_;
  std::unique_ptr<runtime::Cores> cores_;
  NoActors actors_;
  std::unique_ptr<KubernetesProvider> provider_;
  lattice::Link link_;
  std::string objects_;
};

TEST_F(KubernetesProviderTest, AppliesWithItsFieldManagerAndTheOwner) {
  ASSERT_EQ(put(), "");
  ASSERT_EQ(apply(kService), "");
  EXPECT_TRUE(
      api_.asked(fmt::format("PATCH {}a?fieldManager=kubernetes-applier-provider", kServices)));
  const auto there = at(kServices + std::string("a"));
  EXPECT_EQ(codec::json_write(there.at("metadata").at("ownerReferences")),
            R"([{"apiVersion":"apps/v1","kind":"Deployment","name":"rel","uid":"u-1"}])");
  EXPECT_EQ(codec::json_write(there.at("spec")), R"({"ports":[{"port":8080}]})");
  ASSERT_EQ(apply(kService), "");  // again, as it is ours
  ASSERT_EQ(query(capability::kDelete, "a"), "");
  ASSERT_EQ(query(capability::kDelete, "a"), "");  // which is gone already
  EXPECT_FALSE(api_.objects.contains(kServices + std::string("a")));
}

TEST_F(KubernetesProviderTest, AppliesEveryKindThatTheServerKnows) {
  api_.later = true;
  ASSERT_EQ(put(), "");
  EXPECT_NE(apply("{apiVersion: x.test/v1, kind: Ox, metadata: {name: o}}")
                .find("knows no kind 'Ox' in 'x.test/v1'"),
            std::string::npos);
  ASSERT_EQ(
      apply("{apiVersion: x.test/v1, kind: Ox, metadata: {name: o, namespace: other}}\n"
            "---\n---\n"
            "{apiVersion: v1, kind: List, items: [{apiVersion: v1, kind: ConfigMap, metadata: "
            "{name: m}}]}\n---\n"
            "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\n"
            "metadata: {name: oxen.x.test}\nspec: {names: {kind: Ox}}\n"),
      "");
  const auto ox = at("/apis/x.test/v1/namespaces/other/oxen/o");
  EXPECT_FALSE(ox.at("metadata").as_object().contains("ownerReferences"));  // elsewhere
  // Which is nothing but a name: or nobody would be known to have made it.
  EXPECT_EQ(ox.at("metadata").at("annotations").at("wasmcloud.dev/applied-by"),
            json::value(kFieldManager));
  EXPECT_TRUE(api_.objects.contains("/api/v1/namespaces/here/configmaps/m"));
  EXPECT_TRUE(
      api_.objects.contains("/apis/apiextensions.k8s.io/v1/customresourcedefinitions/oxen.x.test"));
  EXPECT_EQ(query(capability::kDelete, "o", "nowhere.test", "Cow"), "");
}

TEST_F(KubernetesProviderTest, SaysWhichOfSeveralFailedAndAppliesTheOthers) {
  ASSERT_EQ(put(), "");
  const auto said = apply(
      "{apiVersion: v1, kind: ConfigMap, metadata: {name: bad}, conflict: 1}\n"
      "---\n{apiVersion: v1, kind: ConfigMap, metadata: {name: good}}");
  EXPECT_EQ(said, "ConfigMap 'bad': Apply failed with 1 conflict");
  EXPECT_TRUE(api_.objects.contains("/api/v1/namespaces/here/configmaps/good"));
}

TEST_F(KubernetesProviderTest, LeavesAloneWhatSomebodyElseMade) {
  ASSERT_EQ(put(), "");
  const auto path = kServices + std::string("a");
  api_.put(path, service(R"("managedFields":[{"manager":"kubectl-create","operation":"Update"}])"));
  constexpr auto kForeign =
      "a Service named a is already in namespace here and was not made by this provider (made by "
      "kubectl-create): rename or delete it, or set ADOPT=allow on the link";
  EXPECT_EQ(apply(kService), kForeign);
  EXPECT_EQ(apply(kService, capability::kRepair), kForeign);
  EXPECT_EQ(query(capability::kDelete, "a"), kForeign);
  EXPECT_FALSE(at(path).contains("spec"));
  api_.put(path, service(std::string(kOurs) +
                         R"(,"ownerReferences":[{"apiVersion":"apps/v1","kind":"Deployment",
                              "name":"other","uid":"u-2"}])"));
  EXPECT_NE(apply(kService).find("belongs to Deployment 'other', which is another release's"),
            std::string::npos);
  ASSERT_EQ(put({{"adopt", "allow"}}), "");
  EXPECT_EQ(apply(kService), "");
  EXPECT_TRUE(at(path).contains("spec"));
}

TEST_F(KubernetesProviderTest, ListsOnlyWhatIsOursAndTheReleases) {
  ASSERT_EQ(put(), "");
  ASSERT_EQ(apply(kService), "");
  const auto path = std::string(kServices);
  api_.put(path + "b", service(kOurs));  // ours, but without our owner
  api_.put(path + "c", service(R"("labels":{})"));
  ASSERT_EQ(query(capability::kList), "");
  EXPECT_NE(objects_.find(R"("name":"a")"), std::string::npos) << objects_;
  EXPECT_EQ(objects_.find("managedFields"), std::string::npos);
  EXPECT_EQ(parse_json(objects_)->as_array().size(), 1u);
  EXPECT_TRUE(api_.asked("GET /api/v1/namespaces/here/services?limit=500"));
  ASSERT_EQ(put({{"OWNER", "none"}}), "");
  ASSERT_EQ(query(capability::kList), "");
  EXPECT_EQ(parse_json(objects_)->as_array().size(), 1u);  // "b"
}

TEST_F(KubernetesProviderTest, ListsAllPages) {
  ASSERT_EQ(put({{"owner", "none"}}), "");
  for (const char* name : {"a", "b", "c", "d"})
    ASSERT_EQ(apply(fmt::format("{{apiVersion: v1, kind: Service, metadata: {{name: {}}}}}", name)),
              "");
  api_.paged = true;
  ASSERT_EQ(query(capability::kList), "");
  EXPECT_EQ(parse_json(objects_)->as_array().size(), 4u);
}

TEST_F(KubernetesProviderTest, ATokenInAFileIsReadAnewWhenItIsRefused) {
  const lattice::TemporaryFolder temporary;
  const auto folder = temporary.path().string();
  std::ofstream(folder + "/token") << "good\n";
  std::ofstream(folder + "/config")
      << "clusters: [{name: c, cluster: {server: '" << api_.url() << "'}}]\n"
      << "users: [{name: u, user: {tokenFile: token}}]\n"
      << "contexts: [{name: x, context: {cluster: c, user: u, namespace: here}}]\n"
      << "current-context: x\n";
  ASSERT_EQ(put({{"config_file", folder + "/config"}}), "");
  api_.token = "newer";
  EXPECT_NE(apply(kService).find("Unauthorized"), std::string::npos);
  std::ofstream(folder + "/token") << "newer\n";
  EXPECT_EQ(apply(kService), "");
}

TEST_F(KubernetesProviderTest, WithoutAnOwnerThatCanBeReadAppliesAndKeepsTheReferenceThatIsThere) {
  api_.forbidden = "GET /apis/apps/v1/namespaces/here/deployments/rel";
  ASSERT_EQ(put(), "");
  ASSERT_EQ(apply(kService), "");
  const auto path = kServices + std::string("a");
  EXPECT_FALSE(at(path).at("metadata").as_object().contains("ownerReferences"));
  api_.put(path, service(std::string(kOurs) +
                         R"(,"ownerReferences":[{"apiVersion":"apps/v1","kind":"Deployment",
                              "name":"rel","uid":"u-0"}])"));
  ASSERT_EQ(apply(kService), "");
  EXPECT_EQ(at(path).at("metadata").at("ownerReferences").at(0).at("uid"), "u-0");
}

TEST_F(KubernetesProviderTest, MakesNothingForAnOwnerThatIsGone) {
  api_.objects.clear();
  ASSERT_EQ(put(), "");
  const auto path = kServices + std::string("a");
  EXPECT_TRUE(
      apply(kService).starts_with("the owner, Deployment 'rel' in namespace here, is gone: "
                                  "this release is being uninstalled"));
  EXPECT_FALSE(api_.objects.contains(path));
  api_.put(path, service(std::string(kOurs) +
                         R"(,"ownerReferences":[{"apiVersion":"apps/v1","kind":"Deployment",
                              "name":"rel","uid":"u-0"}])"));
  EXPECT_EQ(apply(kService), "");  // what is there goes with the owner it has
  EXPECT_EQ(at(path).at("metadata").at("ownerReferences").at(0).at("uid"), "u-0");
}

TEST_F(KubernetesProviderTest, NamesTheOwnerOnceWhoeverElseIsNamed) {
  ASSERT_EQ(put(), "");
  ASSERT_EQ(apply("{apiVersion: v1, kind: Service, metadata: {name: a, ownerReferences: "
                  "[{uid: u-9, kind: A}, {uid: u-1, kind: B}]}}"),
            "");
  EXPECT_EQ(
      codec::json_write(at(kServices + std::string("a")).at("metadata").at("ownerReferences")),
      R"([{"uid":"u-9","kind":"A"},)"
      R"({"apiVersion":"apps/v1","kind":"Deployment","name":"rel","uid":"u-1"}])");
}

TEST_F(KubernetesProviderTest, AppliesToTheObjectItLookedAtOrLooksOnceMore) {
  ASSERT_EQ(put(), "");
  const auto path = kServices + std::string("a");
  api_.put(path, service(kOurs));
  api_.replaced = 1;
  EXPECT_EQ(apply(kService), "");
  EXPECT_EQ(at(path).at("metadata").at("uid"), "1");
  api_.replaced = 2;
  EXPECT_NE(apply(kService).find("field is immutable"), std::string::npos);
}

TEST_F(KubernetesProviderTest, RepairTakesBackWhatOthersHaveChanged) {
  ASSERT_EQ(put(), "");
  const auto path = kServices + std::string("a");
  api_.put(path, service(R"("managedFields":[
    {"manager":"kubernetes-applier-provider","operation":"Apply","apiVersion":"v1",
     "fieldsV1":{"f:spec":{"f:selector":{}}}},
    {"manager":"kubectl-edit","operation":"Update","apiVersion":"v1",
     "fieldsV1":{"f:spec":{"f:ports":{"k:9":{}}},"f:metadata":{"f:labels":{}}}},
    {"manager":"lb","operation":"Update","apiVersion":"v1","subresource":"status",
     "fieldsV1":{"f:status":{}}}])"));
  ASSERT_EQ(apply(kService, capability::kRepair), "");
  EXPECT_TRUE(api_.asked(
      fmt::format("PATCH {}?fieldManager=kubernetes-applier-provider&force=true", path)));
  const auto patch = parse_json(api_.bodies.at(api_.bodies.size() - 2))->as_array();
  EXPECT_EQ(patch.at(1).at("value"), "7");
  EXPECT_EQ(
      codec::json_write(patch.at(0).at("value")),
      R"([{"manager":"kubectl-edit","operation":"Update","apiVersion":"v1","fieldsV1":{"f:metadata":{"f:labels":{}}}},)"
      R"({"manager":"lb","operation":"Update","apiVersion":"v1","subresource":"status","fieldsV1":{"f:status":{}}},)"
      R"({"manager":"kubernetes-applier-provider","operation":"Apply","apiVersion":"v1",)"
      R"("fieldsV1":{"f:spec":{"f:selector":{},"f:ports":{"k:9":{}}}}}])");
}

TEST_F(KubernetesProviderTest, PassesOnWhatTheServerSaysAndHowToMendIt) {
  ASSERT_EQ(put(), "");
  api_.forbidden = "PATCH";
  EXPECT_EQ(apply(kService),
            "services is forbidden: User \"u\" cannot do that. For services the chart's value "
            "wasmcloud.enableApplierSupport=true permits it; for anything else bind a Role to who "
            "is named here");
  api_.forbidden = "GET /api/v1/namespaces/here/services/";
  EXPECT_TRUE(apply(kService).starts_with("Unable to fetch object from API: services is forb"));
  api_.token = "another";
  const auto said = query(capability::kDelete, "a");
  EXPECT_NE(said.find("Unauthorized. "), std::string::npos) << said;
  EXPECT_NE(said.find("does not accept the token of config_b64 (context 'x')"), std::string::npos);
}

TEST_F(KubernetesProviderTest, ALinkSaysWhatIsWrongWithIt) {
  ASSERT_EQ(put(), "");
  EXPECT_EQ(provider_->warning_about(link_),
            "these credentials may not list services in namespace 'here'; the chart's value "
            "wasmcloud.enableApplierSupport=true permits it");
  EXPECT_NE(put({{"ADOPT", "yes"}}).find("ADOPT can only be 'allow'"), std::string::npos);
  EXPECT_NE(apply(kService).find("!No link registered for actor M1"), std::string::npos);
  const auto away = put({{"config_b64", config("https://127.0.0.1:1")}});
  EXPECT_TRUE(
      away.starts_with("Unable to connect to the Kubernetes API server: the API server "
                       "https://127.0.0.1:1 of config_b64 (context 'x') cannot be reached"))
      << away;
  EXPECT_TRUE(apply(kService).starts_with("Unable to fetch object from API: the API server"));
  const auto wrong = put({{"config_b64", config("", "bad")}});
  EXPECT_NE(wrong.find("Unauthorized"), std::string::npos);
  // eyJleHAiOjE2MDAwMDAwMDB9 is {"exp":1600000000}
  const auto expired = put({{"config_b64", config("", "a.eyJleHAiOjE2MDAwMDAwMDB9.c")}});
  EXPECT_NE(expired.find("expired at 2020-09-13T12:26:40Z; get a new one"), std::string::npos)
      << expired;
}

TEST_F(KubernetesProviderTest, ACallThatIsFasterThanItsLinkWaitsForIt) {
  link_.actor_id = "M1";
  std::string said = "nothing";
  std::thread early([&] { said = apply(kService); });
  lattice::Link link = link_;
  link.values = {{"config_b64", config()}};
  EXPECT_TRUE(on_core<void>([&] { return provider_->link_put(link); }));
  early.join();
  EXPECT_EQ(said, "");
}

TEST_F(KubernetesProviderTest, AnOwnerThatIsNoneIsSaid) {
  stop();
  start("Deployment");
  EXPECT_NE(put().find("TRELLIS_KUBERNETES_OWNER 'Deployment' is not of the form"),
            std::string::npos);
  EXPECT_EQ(put({{"OWNER", "none"}}), "");
}

TEST_F(KubernetesProviderTest, WrongCallsAreToldSo) {
  ASSERT_EQ(put(), "");
  EXPECT_TRUE(apply("a: [").starts_with("!Unable to parse data as kubernetes object: line"));
  EXPECT_EQ(apply("{kind: A, metadata: {name: b}}"),
            "!The given manifest does not contain type information");
  EXPECT_EQ(apply("{apiVersion: v1, kind: A}"), "!The given object is missing a name");
  EXPECT_EQ(apply("{apiVersion: v1, kind: A, metadata: {name: a}}\n---\n{apiVersion: v1, kind: A}"),
            "!The given object is missing a name (object 2 of 2)");
  EXPECT_NE(apply("").find("there is no object in it"), std::string::npos);
  EXPECT_EQ(call("KubernetesApplier.Get", {}), "!method not handled KubernetesApplier.Get");
  EXPECT_EQ(query(capability::kDelete), "!the request names no object");
  EXPECT_EQ(query(capability::kDelete, ".."),
            "Unable to fetch object from API: '.' and '..' name nothing in Kubernetes");
  EXPECT_NE(apply("{apiVersion: ../.., kind: A, metadata: {name: a}}").find("name nothing"),
            std::string::npos);
  EXPECT_NE(apply("{apiVersion: v1, kind: A, kind: B}").find("line 1: `kind` is here twice"),
            std::string::npos);
  std::string many;
  for (int i = 0; i < 65; ++i)
    many += fmt::format("---\n{{apiVersion: v1, kind: ConfigMap, metadata: {{name: m{}}}}}\n", i);
  EXPECT_NE(apply(many).find("65 objects, more than 64 at once"), std::string::npos);
}

}  // namespace
}  // namespace trellis::kubernetes
