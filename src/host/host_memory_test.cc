// Goal: in a container the container's limit counts, whichever version of control groups there is.
#include "host/host_memory.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <fstream>
#include <limits>

namespace trellis::host {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kMachine = 8ull << 30;

class HostMemoryTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = testing::TempDir() + "host_memory_XXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    root_ = name;
    write("proc/meminfo", "MemTotal:        8388608 kB\nMemFree:         1 kB\n");
  }
  void TearDown() override { fs::remove_all(root_); }
  void write(const std::string& path, const std::string& text) const {
    fs::create_directories((root_ / path).parent_path());
    std::ofstream(root_ / path) << text;
  }

  fs::path root_;
};

TEST_F(HostMemoryTest, IsThatOfTheMachineWithoutGroups) {
  EXPECT_EQ(memory_there_is(root_), kMachine);
}

TEST_F(HostMemoryTest, IsTheLeastOfTheGroupsAround) {
  write("proc/self/cgroup", "0::/pods/one\n");
  write("sys/fs/cgroup/pods/one/memory.max", "max\n");
  EXPECT_EQ(memory_there_is(root_), kMachine);
  write("sys/fs/cgroup/pods/memory.max", "536870912\n");
  EXPECT_EQ(memory_there_is(root_), 512u << 20);
  write("sys/fs/cgroup/pods/one/memory.max", "268435456\n");
  EXPECT_EQ(memory_there_is(root_), 256u << 20);
}

TEST_F(HostMemoryTest, ReadsGroupsOfVersionOne) {
  write("proc/self/cgroup", "5:cpu:/x\n4:hugetlb,memory:/docker/abc\n0::/\n");
  write("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
  EXPECT_EQ(memory_there_is(root_), kMachine);
  write("sys/fs/cgroup/memory/docker/abc/memory.limit_in_bytes", "268435456\n");
  EXPECT_EQ(memory_there_is(root_), 256u << 20);
}

TEST_F(HostMemoryTest, TakesTheMountedFolderWhereTheGroupIsNotSeen) {
  write("sys/fs/cgroup/memory.max", "268435456\n");
  for (const char* path : {"0::/\n", "0::/../../other\n", "0::/kubepods/pod1\n"}) {
    write("proc/self/cgroup", path);
    EXPECT_EQ(memory_there_is(root_), 256u << 20) << path;
  }
}

TEST_F(HostMemoryTest, WhatCannotBeReadSetsNoLimit) {
  write("proc/meminfo", "");
  write("proc/self/cgroup", "nonsense\n0::\n");
  EXPECT_EQ(memory_there_is(root_),
            static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()));
  EXPECT_GT(memory_there_is(), 1u << 20);
}

}  // namespace
}  // namespace trellis::host
