// Goal: the number of cores follows a container's CPU limit, whichever version of control groups
// says it.
#include "runtime/processors.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <string>

namespace trellis::runtime {
namespace {

namespace fs = std::filesystem;

class ProcessorsTest : public testing::Test {
 protected:
  ProcessorsTest() {
    std::string name = (fs::temp_directory_path() / "trellis-processors-XXXXXX").string();
    root_ = ::mkdtemp(name.data());
  }
  ~ProcessorsTest() override { fs::remove_all(root_); }

  void write(const fs::path& path, const std::string& text) {
    fs::create_directories((root_ / path).parent_path());
    std::ofstream(root_ / path) << text;
  }
  Processors with(unsigned allowed, unsigned machine) {
    return processors_there_are(allowed, machine, root_);
  }
  fs::path root_;
};

TEST_F(ProcessorsTest, AreAllWhereNothingLimitsThem) {
  EXPECT_EQ(with(8, 8).count, 8u);
  EXPECT_TRUE(with(8, 8).whole_machine);
}

TEST_F(ProcessorsTest, AreThoseOfACpuset) {
  EXPECT_EQ(with(2, 8).count, 2u);
  EXPECT_FALSE(with(2, 8).whole_machine);
}

TEST_F(ProcessorsTest, FollowALimitOfVersionTwoRoundedUp) {
  write("proc/self/cgroup", "0::/\n");
  write("sys/fs/cgroup/cpu.max", "50000 100000\n");
  EXPECT_EQ(with(8, 8).count, 1u);
  EXPECT_FALSE(with(8, 8).whole_machine);
  write("sys/fs/cgroup/cpu.max", "150000 100000\n");
  EXPECT_EQ(with(8, 8).count, 2u);
  write("sys/fs/cgroup/cpu.max", "1600000 100000\n");
  EXPECT_EQ(with(8, 8).count, 8u) << "more than there are";
  write("sys/fs/cgroup/cpu.max", "max 100000\n");
  EXPECT_EQ(with(8, 8).count, 8u);
  EXPECT_TRUE(with(8, 8).whole_machine);
}

TEST_F(ProcessorsTest, FollowTheLeastOfTheGroupsAround) {
  write("proc/self/cgroup", "0::/kubepods/pod1/box\n");
  write("sys/fs/cgroup/kubepods/pod1/cpu.max", "200000 100000\n");
  write("sys/fs/cgroup/kubepods/pod1/box/cpu.max", "max 100000\n");
  EXPECT_EQ(with(8, 8).count, 2u);
}

TEST_F(ProcessorsTest, FollowALimitOfVersionOne) {
  write("proc/self/cgroup", "5:cpu,cpuacct:/box\n4:memory:/box\n");
  write("sys/fs/cgroup/cpu/box/cpu.cfs_quota_us", "250000\n");
  write("sys/fs/cgroup/cpu/box/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(with(8, 8).count, 3u);
  write("sys/fs/cgroup/cpu/box/cpu.cfs_quota_us", "-1\n");
  EXPECT_EQ(with(8, 8).count, 8u);
  EXPECT_TRUE(with(8, 8).whole_machine);
}

}  // namespace
}  // namespace trellis::runtime
