// Real processes: a shell script plays the host.
#include "host_process.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

#include "files.h"
#include "host_health.h"

namespace trellis::wash {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

class HostProcessTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = testing::TempDir() + "wash_host_XXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  void TearDown() override { fs::remove_all(folder_); }

  // A program that does `body`; it says "ready" on its output when its traps are set.
  HostStart program(const std::string& body) {
    fs::path path = folder_ / "trellis";
    std::ofstream(path) << "#!/bin/sh\n" << body;
    ::chmod(path.c_str(), 0700);
    HostStart start;
    start.program = path;
    start.output = ::open((folder_ / "log").c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    start.detached = true;
    return start;
  }
  // Until the program has said something; bounded.
  void wait_for_output() {
    for (int i = 0; i < 500 && last_lines(folder_ / "log", 1).empty(); ++i) ::usleep(10'000);
  }

  fs::path folder_;
};

TEST_F(HostProcessTest, IsAskedWhetherItsConfigurationIsOne) {
  HostStart start = program(
      "[ $1 = --check-config ] || exit 1\n[ -z $WRONG ] && exit 0\n"
      "echo trellis: $WRONG is wrong >&2\nexit 2\n");
  EXPECT_TRUE(check_configuration(start));
  start.environment["WRONG"] = "this";
  const Result<void> refused = check_configuration(start);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().detail, "this is wrong");
}

TEST_F(HostProcessTest, OneThatDoesNotKnowTheQuestionIsStartedWithoutIt) {
  EXPECT_TRUE(check_configuration(program("echo no such option >&2\nexit 109\n")));
}

constexpr const char* kObedient = "trap 'exit 0' TERM; echo ready; while :; do sleep 0.05; done\n";
constexpr const char* kStubborn = "trap '' TERM; echo ready; while :; do sleep 0.05; done\n";

TEST_F(HostProcessTest, IsKnownAgainByItsPidFile) {
  HostStart start = program(kObedient);
  Result<HostProcess> host = start_host(start);
  ASSERT_TRUE(host) << host.error().detail;
  wait_for_output();
  ASSERT_TRUE(write_pid_file(folder_ / "wasmcloud.pid", *host));
  std::optional<HostProcess> found = running_host(folder_ / "wasmcloud.pid");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->pid, host->pid);
  EXPECT_EQ(pid_files(folder_).size(), 1u);
  EXPECT_EQ(stop_host(*found, 10s), Stopped::gracefully);
  EXPECT_FALSE(running_host(folder_ / "wasmcloud.pid"));
  ::close(start.output);
}

TEST_F(HostProcessTest, AnotherProgramWithTheSamePidIsNotTheHost) {
  HostProcess other{::getpid(), 1, 4000};  // this process did not start at tick 1
  ASSERT_TRUE(write_pid_file(folder_ / "wasmcloud.pid", other));
  EXPECT_FALSE(running_host(folder_ / "wasmcloud.pid"));
  EXPECT_FALSE(running_host(folder_ / "none.pid"));
  std::ofstream(folder_ / "bad.pid") << "rubbish";
  EXPECT_FALSE(running_host(folder_ / "bad.pid"));
}

TEST_F(HostProcessTest, WhatDoesNotStopIsKilled) {
  HostStart start = program(kStubborn);
  Result<HostProcess> host = start_host(start);
  ASSERT_TRUE(host);
  wait_for_output();
  EXPECT_EQ(stop_host(*host, 100ms), Stopped::killed);
  EXPECT_FALSE(is_running(*host));
  ::close(start.output);
}

TEST_F(HostProcessTest, GetsItsEnvironmentAndASessionOfItsOwn) {
  HostStart start =
      program("echo \"$WASMCLOUD_LATTICE_PREFIX $(cut -d' ' -f6 /proc/$$/stat) $$\"\n");
  start.environment = {{"WASMCLOUD_LATTICE_PREFIX", "foo"}};
  Result<HostProcess> host = start_host(start);
  ASSERT_TRUE(host);
  ::waitpid(host->pid, nullptr, 0);
  EXPECT_EQ(last_lines(folder_ / "log", 1),
            "foo " + std::to_string(host->pid) + " " + std::to_string(host->pid));
  ::close(start.output);
}

TEST_F(HostProcessTest, AProgramThatCannotRunIsAnError) {
  HostStart start = program("");
  start.program = folder_ / "missing";
  Result<HostProcess> host = start_host(start);
  ASSERT_FALSE(host);
  EXPECT_NE(host.error().detail.find("missing"), std::string::npos);
  ::close(start.output);
}

TEST_F(HostProcessTest, EndsTheWaitForAHostThatIsGone) {
  auto begin = std::chrono::steady_clock::now();
  Result<void> ready = wait_until_ready("127.0.0.1", 1, [] { return false; }, 30s);
  ASSERT_FALSE(ready);
  EXPECT_EQ(ready.error().code, Errc::unavailable);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 10s);
}

TEST_F(HostProcessTest, LastLinesAreTheLast) {
  std::ofstream(folder_ / "log") << "one\ntwo\nthree\n";
  EXPECT_EQ(last_lines(folder_ / "log", 2), "two\nthree");
  EXPECT_EQ(last_lines(folder_ / "log", 9), "one\ntwo\nthree");
  EXPECT_EQ(last_lines(folder_ / "none", 9), "");
}

TEST(HostFiles, CarryThePortWhenItIsNotTheUsualOne) {
  EXPECT_EQ(host_files("/x", 4000).log, "/x/wasmcloud.log");
  EXPECT_EQ(host_files("/x", 4001).pid, "/x/wasmcloud-4001.pid");
}

}  // namespace
}  // namespace trellis::wash
