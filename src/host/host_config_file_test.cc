// Goal: the first host on a machine keeps its name until it goes, a further one has a file of its
// own, and each takes away only what it wrote.
#include "host/host_config_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <iterator>

#include "codec/json.h"

namespace trellis::host {
namespace {

namespace fs = std::filesystem;

class HostConfigFileTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = testing::TempDir() + "host_config_XXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = fs::path(name) / ".wash";
  }
  void TearDown() override { fs::remove_all(folder_.parent_path()); }

  static Config config(std::uint16_t dashboard_port) {
    Config config;
    config.dashboard_port = dashboard_port;
    config.lattice = "garden";
    return config;
  }
  Result<HostConfigFile> write(std::uint16_t dashboard_port, std::uint16_t bus_port) const {
    const auto is = config(dashboard_port);
    auto identity = make_identity(is);
    if (!identity) return fail(identity.error());
    return HostConfigFile::write(folder_, is, *identity, bus_port);
  }
  std::uint64_t port_in(const std::string& name) const {
    std::ifstream file(folder_ / name);
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    const auto value = codec::json_parse(text);
    if (!value) return 0;
    return codec::json_uint(value->as_object(), "ctl_port")->value_or(0);
  }

  fs::path folder_;
};

TEST_F(HostConfigFileTest, IsForItsOwnerAloneAndGoesWithTheHost) {
  {
    const auto file = write(4000, 4222);
    ASSERT_TRUE(file) << file.error().detail;
    EXPECT_EQ(file->path(), folder_ / "host_config.json");
    EXPECT_EQ(file->first_host(), "");
    EXPECT_EQ(port_in("host_config.json"), 4222u);
    struct stat status{};
    ASSERT_EQ(::stat(file->path().c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777u, 0600u);
  }
  EXPECT_FALSE(fs::exists(folder_ / "host_config.json"));
}

TEST_F(HostConfigFileTest, AFurtherHostLeavesTheFirstAlone) {
  auto first = std::make_unique<Result<HostConfigFile>>(write(4000, 4222));
  auto second = std::make_unique<Result<HostConfigFile>>(write(4001, 4223));
  ASSERT_TRUE(*second) << second->error().detail;
  EXPECT_EQ((*second)->path(), folder_ / "host_config-4001.json");
  EXPECT_EQ((*second)->first_host(), "127.0.0.1:4222 (lattice garden)");
  EXPECT_EQ(port_in("host_config.json"), 4222u);
  EXPECT_EQ(port_in("host_config-4001.json"), 4223u);

  second.reset();
  EXPECT_FALSE(fs::exists(folder_ / "host_config-4001.json"));
  EXPECT_EQ(port_in("host_config.json"), 4222u);

  first.reset();
  EXPECT_EQ(write(4001, 4223)->path(), folder_ / "host_config.json");
}

TEST_F(HostConfigFileTest, WhatADeadHostLeftIsReplaced) {
  fs::create_directories(folder_);
  std::ofstream(folder_ / "host_config.json") << R"({"ctl_port":1})";
  std::ofstream(folder_ / "host_config-4000.json") << R"({"ctl_port":1})";
  std::ofstream(folder_ / "host_config.lock") << "";
  const auto file = write(4000, 4222);
  ASSERT_TRUE(file);
  EXPECT_EQ(port_in("host_config.json"), 4222u);
  EXPECT_FALSE(fs::exists(folder_ / "host_config-4000.json"));
}

TEST_F(HostConfigFileTest, WhatAnotherToolWroteMeanwhileStays) {
  {
    const auto file = write(4000, 4222);
    std::ofstream(folder_ / "host_config.json") << R"({"ctl_port":7})";
  }
  EXPECT_EQ(port_in("host_config.json"), 7u);
}

TEST_F(HostConfigFileTest, AFolderThatCannotBeWrittenIsSaid) {
  std::ofstream(folder_) << "a file where the folder should be";
  const auto file = write(4000, 4222);
  ASSERT_FALSE(file);
  EXPECT_NE(file.error().detail.find("host_config.json"), std::string::npos);
}

}  // namespace
}  // namespace trellis::host
