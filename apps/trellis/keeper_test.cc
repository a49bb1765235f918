// Goal: what is kept running is started again when it is killed and not when it ends by itself, and
// signals reach it. Shell scripts stand for the host; the keeper runs in a process of its own, for
// it takes over all signals.
#include "keeper.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>

namespace trellis {
namespace {

using namespace std::chrono_literals;

class Kept : public ::testing::Test {
 protected:
  Kept() {
    char name[] = "/tmp/keeper_test_XXXXXX";
    ::close(::mkstemp(name));
    log_ = name;
  }
  ~Kept() override { ::unlink(log_.c_str()); }

  // A keeper of `script`, in which $LOG is the file that log() reads.
  pid_t keep(const std::string& script) {
    const pid_t pid = ::fork();
    if (pid != 0) return pid;
    ::setenv("LOG", log_.c_str(), 1);
    std::string name = "sh", option = "-c", text = script;
    char* arguments[] = {name.data(), option.data(), text.data(), nullptr};
    std::_Exit(keep_running("/bin/sh", arguments));
  }
  int exit_code(pid_t keeper) {
    int status = 0;
    EXPECT_EQ(::waitpid(keeper, &status, 0), keeper);
    EXPECT_TRUE(WIFEXITED(status));
    return WEXITSTATUS(status);
  }
  std::string log() const {
    std::ifstream file(log_);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  void wait_for(const std::string& words) {
    for (int i = 0; i < 1000 && log().find(words) == std::string::npos; ++i)
      std::this_thread::sleep_for(10ms);
    ASSERT_NE(log().find(words), std::string::npos) << log();
  }

  std::string log_;
};

TEST_F(Kept, WhatEndsByItselfEndsTheKeeperWithItsCode) {
  EXPECT_EQ(exit_code(keep("echo once >>$LOG; exit 7")), 7);
  EXPECT_EQ(log(), "once\n");
}

TEST_F(Kept, WhatIsKilledIsStartedAgainAndToldSo) {
  const auto code =
      exit_code(keep("echo \"restarts=$TRELLIS_RESTARTS $TRELLIS_LAST_DEATH\" >>$LOG;"
                     "[ \"$TRELLIS_RESTARTS\" = 2 ] && exit 0; kill -9 $$"));
  EXPECT_EQ(code, 0);
  EXPECT_EQ(log(),
            "restarts= \n"
            "restarts=1 was killed by signal 9 (Killed)\n"
            "restarts=2 was killed by signal 9 (Killed)\n");
}

TEST_F(Kept, WhatDiesAgainAndAgainIsGivenUp) {
  EXPECT_EQ(exit_code(keep("echo x >>$LOG; kill -SEGV $$")), 128 + SIGSEGV);
  EXPECT_EQ(log(), "x\nx\nx\nx\nx\nx\n");
}

TEST_F(Kept, ATermReachesItAndItsEndIsTheEnd) {
  const pid_t keeper =
      keep("trap 'echo term >>$LOG; exit 3' TERM; echo ready >>$LOG; while :; do sleep 0.01; done");
  wait_for("ready");
  ASSERT_EQ(::kill(keeper, SIGTERM), 0);
  EXPECT_EQ(exit_code(keeper), 3);
  EXPECT_EQ(log(), "ready\nterm\n");
}

TEST_F(Kept, WhatIsKilledWhileItStopsIsNotStartedAgain) {
  const pid_t keeper = keep(
      "trap 'echo term >>$LOG; kill -9 $$' TERM; echo ready >>$LOG; while :; do sleep 0.01; done");
  wait_for("ready");
  ASSERT_EQ(::kill(keeper, SIGTERM), 0);
  EXPECT_EQ(exit_code(keeper), 128 + SIGKILL);
  EXPECT_EQ(log(), "ready\nterm\n");
}

TEST_F(Kept, SocketsOfStrangersAreNotTaken) {
  // A process that is not the host sends a listening socket to the keeper's name; the next host has
  // none.
  const pid_t keeper = keep(
      "[ -n \"$TRELLIS_RESTARTS\" ] && echo \"passed=$LISTEN_FDS\" >>$LOG && exit 0;"
      "echo name=$NOTIFY_SOCKET >>$LOG; while [ ! -e $LOG.go ]; do sleep 0.01; done; kill -9 $$");
  wait_for("\n");
  const auto name = log().substr(5, log().size() - 6);
  const int listening = ::socket(AF_INET, SOCK_STREAM, 0);
  ASSERT_EQ(::listen(listening, 1), 0);
  const int channel = ::socket(AF_UNIX, SOCK_DGRAM, 0);
  sockaddr_un to{};
  to.sun_family = AF_UNIX;
  std::memcpy(to.sun_path + 1, name.data() + 1, name.size() - 1);
  char text[] = "FDSTORE=1";
  iovec line{text, sizeof text - 1};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof listening)] = {};
  msghdr message{};
  message.msg_name = &to;
  message.msg_namelen = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
  message.msg_iov = &line;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  auto* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof listening);
  std::memcpy(CMSG_DATA(header), &listening, sizeof listening);
  ASSERT_GT(::sendmsg(channel, &message, 0), 0) << std::strerror(errno);
  ::close(listening);
  ::close(channel);
  std::ofstream(log_ + ".go").put('x');
  EXPECT_EQ(exit_code(keeper), 0);
  EXPECT_NE(log().find("passed=\n"), std::string::npos) << log();
  ::unlink((log_ + ".go").c_str());
}

TEST_F(Kept, ItDiesWithItsKeeper) {
  const pid_t keeper = keep("echo $$ >>$LOG; while :; do sleep 0.01; done");
  wait_for("\n");
  const pid_t host = std::stoi(log());
  ASSERT_EQ(::kill(keeper, SIGKILL), 0);
  ASSERT_EQ(::waitpid(keeper, nullptr, 0), keeper);
  // A zombie of another parent counts as gone: its kill succeeds, its state says Z.
  const auto gone = [host] {
    std::ifstream status("/proc/" + std::to_string(host) + "/stat");
    std::string pid, name, state;
    return !(status >> pid >> name >> state) || state == "Z";
  };
  for (int i = 0; i < 1000 && !gone(); ++i) std::this_thread::sleep_for(10ms);
  EXPECT_TRUE(gone());
}

}  // namespace
}  // namespace trellis
