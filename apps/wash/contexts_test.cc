#include "contexts.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "files.h"

namespace trellis::wash {
namespace {

namespace fs = std::filesystem;

class ContextsTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = testing::TempDir() + "wash_contexts_XXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    home_ = name;
    folder_.path = home_ / "contexts";
    ASSERT_TRUE(make_directory(folder_.path));
  }
  void TearDown() override { fs::remove_all(home_); }
  void write(const fs::path& path, std::string_view text) {
    ASSERT_TRUE(write_private_file(path, text));
  }

  fs::path home_;
  ContextFolder folder_;
};

TEST_F(ContextsTest, WithoutAnyTheBuiltInValuesHold) {
  Result<LatticeContext> context = find_context(home_, std::nullopt);
  ASSERT_TRUE(context);
  EXPECT_EQ(context->ctl.host, "127.0.0.1");
  EXPECT_EQ(context->ctl.port, 4222);
  EXPECT_EQ(context->ctl.lattice_prefix, "default");
  EXPECT_EQ(context->cluster_seed, "");
}

TEST_F(ContextsTest, TheHostThatLastRanHereIsFollowed) {
  write(
      home_ / "host_config.json",
      R"({"lattice_prefix":"foo","cluster_seed":"SC1","ctl_host":"10.0.0.1","ctl_port":4333,"ctl_tls":0,
            "rpc_host":"10.0.0.2","rpc_port":4334,"rpc_jwt":"","cluster_issuers":["C1"],"ctl_topic_prefix":"a.b"})");
  Result<LatticeContext> context = find_context(home_, std::nullopt);
  ASSERT_TRUE(context) << context.error().detail;
  EXPECT_EQ(context->ctl.host, "10.0.0.1");
  EXPECT_EQ(context->ctl.port, 4333);
  EXPECT_EQ(context->rpc.port, 4334);
  EXPECT_EQ(context->ctl.lattice_prefix, "foo");
  EXPECT_EQ(context->rpc.lattice_prefix, "foo");
  EXPECT_EQ(context->cluster_seed, "SC1");
  EXPECT_EQ(context->topic_prefix, "a.b");
}

TEST_F(ContextsTest, TheDefaultContextWinsOverTheHost) {
  write(home_ / "host_config.json", R"({"ctl_port":4333})");
  write(folder_.file_of("prod"),
        R"({"name":"prod","ctl_port":5555,"ctl_credsfile":null,"ctl_timeout":700})");
  ASSERT_TRUE(folder_.set_default("prod"));
  Result<LatticeContext> context = find_context(home_, std::nullopt);
  ASSERT_TRUE(context) << context.error().detail;
  EXPECT_EQ(context->ctl.port, 5555);
  EXPECT_EQ(context->ctl.timeout_ms, 700u);
  EXPECT_EQ(context->name, "prod");
}

TEST_F(ContextsTest, ABrokenContextIsAnErrorThatNamesTheFile) {
  write(folder_.file_of("prod"), "{");
  ASSERT_TRUE(folder_.set_default("prod"));
  Result<LatticeContext> context = find_context(home_, std::nullopt);
  ASSERT_FALSE(context);
  EXPECT_NE(context.error().detail.find("prod.json"), std::string::npos) << context.error().detail;
  EXPECT_FALSE(find_context(home_, (home_ / "missing.json").string()));
}

TEST_F(ContextsTest, AWrittenContextHasTheFieldsOf2022AndReadsBack) {
  LatticeContext context;
  context.name = "foo";
  std::string text = write_context(context);
  for (const char* field :
       {"\"name\": \"foo\"", "\"cluster_seed\": \"\"", "\"ctl_credsfile\": null",
        "\"ctl_timeout\": 2000", "\"ctl_lattice_prefix\": \"default\"", "\"rpc_port\": 4222"})
    EXPECT_NE(text.find(field), std::string::npos) << field;
  Result<LatticeContext> back = parse_context(text);
  ASSERT_TRUE(back);
  EXPECT_EQ(write_context(*back), text);
}

TEST_F(ContextsTest, NamesAreSortedAndLeaveOutTheIndex) {
  write(folder_.file_of("b"), "{}");
  write(folder_.file_of("a"), "{}");
  ASSERT_TRUE(folder_.set_default("a"));
  Result<std::vector<std::string>> names = folder_.names();
  ASSERT_TRUE(names);
  EXPECT_EQ(*names, (std::vector<std::string>{"a", "b"}));
}

TEST_F(ContextsTest, FollowingTheHostKeepsItsSeedPrivate) {
  write(home_ / "host_config.json", R"({"cluster_seed":"SC1"})");
  ASSERT_TRUE(follow_host_config(home_, folder_));
  struct stat status{};
  ASSERT_EQ(::stat(folder_.file_of(kHostConfig).c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
}

TEST(SafeName, StaysInItsFolder) {
  EXPECT_EQ(safe_name("../../etc/passwd"), "_.._etc_passwd");
  EXPECT_EQ(safe_name("my ctx"), "my_ctx");
  EXPECT_EQ(safe_name("..."), "");
}

TEST_F(ContextsTest, FurtherHostsAreFound) {
  EXPECT_TRUE(further_host_configs(home_).empty());
  write(home_ / "host_config.json", "{}");
  write(further_host_config(home_, 4002), "{}");
  write(further_host_config(home_, 4001), "{}");
  EXPECT_EQ(further_host_configs(home_),
            (std::vector{home_ / "host_config-4001.json", home_ / "host_config-4002.json"}));
  EXPECT_TRUE(further_host_configs(home_ / "nowhere").empty());
}

}  // namespace
}  // namespace trellis::wash
