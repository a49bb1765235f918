// Goal: the embedded store keeps the contract's promises, keeps data over a restart, and says what
// is wrong with a link or a file.
#include "keyvalue/embedded_provider.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "keyvalue/embedded_store.h"
#include "keyvalue/keyvalue_conformance.h"

namespace trellis::keyvalue {
namespace {

using namespace std::chrono_literals;

class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "trellis-kv-XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  std::string file(const char* name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

class Embedded {
 public:
  explicit Embedded(runtime::Cores& cores) : cores_(cores) {}
  std::unique_ptr<capability::Provider> provider() {
    return std::make_unique<EmbeddedProvider>(
        capability::ProviderContext{.cores = cores_,
                                    .actors = actors_,
                                    .link_name = "default",
                                    .config_json = "",
                                    .rpc_timeout = 2s,
                                    .data_dir = folder_.file("stores/keyvalue"),
                                    .bus = {}});
  }
  static std::map<std::string, std::string> values() { return {}; }

 private:
  runtime::Cores& cores_;
  TemporaryFolder folder_;
  NoActors actors_;
};

INSTANTIATE_TYPED_TEST_SUITE_P(EmbeddedStore, KeyValueConformance, Embedded);

class EmbeddedProviderTest : public ::testing::Test {
 protected:
  EmbeddedProviderTest() : cores_(runtime::test_cores()), backend_(*cores_) {
    provider_ =
        on_core<std::unique_ptr<capability::Provider>>([this] { return made(&backend_); }).value();
  }
  ~EmbeddedProviderTest() override {
    EXPECT_TRUE(on_core<void>([this] { return provider_->stop(runtime::Deadline::in(5s)); }));
  }
  static runtime::Task<std::unique_ptr<capability::Provider>> made(Embedded* backend) {
    co_return backend->provider();
  }
  template <class T>
  Result<T> on_core(std::function<runtime::Task<T>()> make) {
    return cores_->run_blocking<T>(0, std::move(make));
  }
  static lattice::Link link(const char* actor, std::map<std::string, std::string> values) {
    lattice::Link link;
    link.actor_id = actor;
    link.values = std::move(values);
    return link;
  }
  Result<void> put(lattice::Link to) {
    return on_core<void>([this, to] { return provider_->link_put(to); });
  }
  Result<Bytes> call(const lattice::Link& from, std::string_view operation, const Bytes& payload) {
    return on_core<Bytes>(
        [&] { return provider_->handle(from, operation, payload, runtime::Deadline::in(5s)); });
  }

  std::unique_ptr<runtime::Cores> cores_;
  Embedded backend_;
  std::unique_ptr<capability::Provider> provider_;
};

const Bytes kIncrement{0x92, 0xa1, 'n', 1};

TEST_F(EmbeddedProviderTest, ActorsOfOneStoreShareItAndOthersDoNot) {
  const auto one = link("M1", {}), two = link("M2", {{"store", "default"}}),
             other = link("M3", {{"STORE", "other"}});
  for (const auto& each : {one, two, other}) ASSERT_TRUE(put(each));
  EXPECT_EQ(call(one, "KeyValue.Increment", kIncrement).value(), Bytes{1});
  EXPECT_EQ(call(two, "KeyValue.Increment", kIncrement).value(), Bytes{2});
  EXPECT_EQ(call(other, "KeyValue.Increment", kIncrement).value(), Bytes{1});
}

TEST_F(EmbeddedProviderTest, AStoreWithoutLinksIsClosedAndOpenedAgain) {
  const auto one = link("M1", {});
  ASSERT_TRUE(put(one));
  EXPECT_EQ(call(one, "KeyValue.Increment", kIncrement).value(), Bytes{1});
  ASSERT_TRUE(on_core<void>([&] { return provider_->link_delete(one); }));
  const auto closed = call(one, "KeyValue.Increment", kIncrement);
  ASSERT_FALSE(closed);
  EXPECT_EQ(closed.error().code, Errc::unavailable);
  ASSERT_TRUE(put(one));
  EXPECT_EQ(call(one, "KeyValue.Increment", kIncrement).value(), Bytes{2});
}

TEST_F(EmbeddedProviderTest, ANameThatCouldLeadElsewhereIsRefused) {
  for (const char* name : {"", "../x", "a/b", "A", ".", "a.b", "x y"}) {
    const auto refused = put(link("M1", {{"STORE", name}}));
    ASSERT_FALSE(refused) << name;
    EXPECT_NE(refused.error().detail.find("STORE"), std::string::npos);
  }
  EXPECT_FALSE(put(link("M1", {{"STORE", std::string(65, 'a')}})));
}

std::string open_refusal(const std::string& path) {
  const auto store = keyvalue::EmbeddedStore::open(path);
  return store ? "opened" : store.error().detail;
}

TEST(EmbeddedStoreFile, SaysWhatIsWrongWithIt) {
  const TemporaryFolder folder;
  EXPECT_NE(open_refusal(folder.file("none/x.sqlite3")).find("none/x.sqlite3"), std::string::npos);
  std::ofstream(folder.file("text")) << std::string(4096, 'x');
  EXPECT_NE(open_refusal(folder.file("text")).find("not a database"), std::string::npos);
  {
    auto later = Database::open(folder.file("later"));
    ASSERT_TRUE(later);
    ASSERT_TRUE(later->execute("PRAGMA user_version = 2"));
  }
  EXPECT_NE(open_refusal(folder.file("later")).find("later version"), std::string::npos);
}

TEST(EmbeddedStoreFile, ABatchIsAllOrNothingWhenTheStoreFails) {
  const TemporaryFolder folder;
  auto store = keyvalue::EmbeddedStore::open(folder.file("x")).value();
  const capability::KeyValueCall set{
      .op = capability::KeyValueOp::set, .key = "k", .value = "v", .names = {}};
  const capability::KeyValueCall get{
      .op = capability::KeyValueOp::get, .key = "k", .value = {}, .names = {}};
  const capability::KeyValueCall* both[] = {&set, &get};
  {  // somebody else took the file's lock and keeps it
    auto other = Database::open(folder.file("x")).value();
    ASSERT_TRUE(other.execute("BEGIN IMMEDIATE"));
    for (const auto& answer : store->run(both, {})) {
      ASSERT_FALSE(answer);
      EXPECT_EQ(answer.error().code, Errc::unavailable);
    }
  }
  const capability::KeyValueCall* only_get[] = {&get};
  EXPECT_EQ(store->run(only_get, {}).front().value(),
            capability::encode_get_response(std::nullopt));
  EXPECT_TRUE(store->run(both, {}).back());
}

}  // namespace
}  // namespace trellis::keyvalue
