#include "runtime/child_process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <fstream>

#include "runtime/file_limit.h"
#include "runtime/offload.h"
#include "runtime/testing.h"

namespace trellis::runtime {
namespace {

using namespace std::chrono_literals;

constexpr auto kSoon = 10s;

ChildCommand shell(std::string script) {
  return {.program = "/bin/sh",
          .arguments = {"-c", std::move(script)},
          .environment = {"PATH=/usr/bin:/bin"}};
}

// What a child wrote to one of its streams, up to `bytes_max`.
Task<std::string> text_of(ChildProcess& child, ChildProcess::Stream stream,
                          std::size_t bytes_max = 100'000) {
  std::string text;
  std::array<std::uint8_t, 4096> buffer{};
  while (text.size() < bytes_max) {
    CO_TRY(const auto count, co_await child.read(stream, buffer));
    if (count == 0) break;
    text.append(as_text({buffer.data(), count}));
  }
  co_return text;
}

struct Ended {
  std::string output, errors;
  ChildExit exit;
};

// Started the way a host does it, with `input` on its stdin; until it has ended.
Task<Ended> run(Offload* spawner, ChildCommand command, std::string input = {}) {
  CO_TRY(auto spawned,
         co_await spawner->run<SpawnedChild>([&command] { return spawn_child(command); }));
  ChildProcess child(Core::current(), std::move(spawned));
  Ended ended;
  CO_TRY_OK(co_await child.write_input(as_bytes(input)));
  child.close_input();
  CO_TRY(ended.output, co_await text_of(child, ChildProcess::Stream::output));
  CO_TRY(ended.errors, co_await text_of(child, ChildProcess::Stream::errors));
  CO_TRY(ended.exit, co_await child.exited());
  co_return ended;
}

class Child : public testing::Test {
 protected:
  Result<Ended> run_here(ChildCommand command, std::string input = {}) {
    return cores_->run_blocking<Ended>(0, [&] {
      return with_deadline(run(&spawner_, command, input), Deadline::in(kSoon), "test");
    });
  }

  std::unique_ptr<Cores> cores_ = test_cores();
  Offload spawner_{1};
};

TEST_F(Child, ReadsItsInputAndWritesToBothStreams) {
  const auto ended =
      run_here(shell("read line; echo got $line; echo complaint >&2; exit 3"), "hi\n");
  ASSERT_TRUE(ended) << ended.error().describe();
  EXPECT_EQ(ended->output, "got hi\n");
  EXPECT_EQ(ended->errors, "complaint\n");
  EXPECT_EQ(ended->exit.text(), "exited with status 3");
}

TEST_F(Child, TellsWhichSignalEndedIt) {
  const auto ended = run_here(shell("kill -SEGV $$"));
  ASSERT_TRUE(ended) << ended.error().describe();
  EXPECT_EQ(ended->exit.signal, SIGSEGV);
  EXPECT_EQ(ended->exit.text(), "was killed by signal 11 (Segmentation fault)");
}

TEST_F(Child, HasOnlyItsThreeStreams) {
  const int extra =
      ::open("/dev/null", O_RDONLY);  // without O_CLOEXEC, as other people's code opens
  ASSERT_GE(extra, 3);
  // The listing itself opens one.
  const auto ended =
      run_here({.program = "/bin/ls", .arguments = {"/proc/self/fd"}, .environment = {}});
  ::close(extra);
  ASSERT_TRUE(ended) << ended.error().describe();
  EXPECT_EQ(ended->output, "0\n1\n2\n3\n");
}

TEST_F(Child, StartsWithSignalsAsTheyAreByDefault) {
  // A host ignores SIGPIPE and its libraries handle others; a program must not begin like that.
  const auto ended =
      run_here({.program = "/bin/cat", .arguments = {"/proc/self/status"}, .environment = {}});
  ASSERT_TRUE(ended) << ended.error().describe();
  for (const char* none : {"SigBlk:\t0000000000000000\n", "SigIgn:\t0000000000000000\n"})
    EXPECT_NE(ended->output.find(none), std::string::npos) << ended->output;
}

TEST_F(Child, MayOpenAsManyFilesAsWeMightAtFirst) {
  const rlimit before = file_limit_at_start();
  const rlimit other{before.rlim_cur - 1, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &other), 0);
  auto ended = run_here(shell("ulimit -n"));
  raise_file_limit();
  rlimit raised{};
  ::getrlimit(RLIMIT_NOFILE, &raised);
  EXPECT_EQ(raised.rlim_cur, before.rlim_max);
  ::setrlimit(RLIMIT_NOFILE, &before);
  ASSERT_TRUE(ended) << ended.error().describe();
  EXPECT_EQ(ended->output, fmt::format("{}\n", before.rlim_cur));
}

TEST_F(Child, SeesItsEnvironmentAndNoOther) {
  ::setenv("TRELLIS_TEST_SECRET", "x", 1);
  const auto ended =
      run_here({.program = "/usr/bin/env", .arguments = {}, .environment = {"A=1", "B=2"}});
  ::unsetenv("TRELLIS_TEST_SECRET");
  ASSERT_TRUE(ended) << ended.error().describe();
  EXPECT_EQ(ended->output, "A=1\nB=2\n");
}

TEST_F(Child, LeadsAGroupThatEndsWithIt) {
  struct Group {
    static Task<std::string> run(Offload* spawner) {
      const auto command = shell("sleep 1000 & echo $$; ps -o pgid= $! | tr -d ' '; exit 4");
      CO_TRY(auto spawned,
             co_await spawner->run<SpawnedChild>([&command] { return spawn_child(command); }));
      ChildProcess child(Core::current(), std::move(spawned));
      CO_TRY(const auto exit, co_await child.exited());
      // The helper holds the stream open as long as it lives.
      CO_TRY(auto output, co_await text_of(child, ChildProcess::Stream::output));
      co_return output + exit.text();
    }
  };
  const auto seen = cores_->run_blocking<std::string>(
      0, [&] { return with_deadline(Group::run(&spawner_), Deadline::in(kSoon), "test"); });
  ASSERT_TRUE(seen) << seen.error().describe();
  int leader = 0;
  int group = 0;
  ASSERT_EQ(std::sscanf(seen->c_str(), "%d %d exited with status 4", &leader, &group), 2) << *seen;
  EXPECT_EQ(group, leader);
}

TEST_F(Child, IsGoneWhenItsOwnerGoes) {
  struct Drop {
    static Task<pid_t> run(Offload* spawner) {
      const auto command = shell("sleep 1000");
      CO_TRY(auto spawned,
             co_await spawner->run<SpawnedChild>([&command] { return spawn_child(command); }));
      co_return ChildProcess(Core::current(), std::move(spawned)).id();
    }
  };
  const auto pid = cores_->run_blocking<pid_t>(0, [&] { return Drop::run(&spawner_); });
  ASSERT_TRUE(pid) << pid.error().describe();
  EXPECT_EQ(::kill(*pid, 0), -1) << "neither running nor waiting to be reaped";
}

TEST_F(Child, EndsWithTheThreadThatStartedIt) {
  // What happens when the host is killed: its threads end, and with them the children.
  struct Outlive {
    static Task<ChildExit> run(std::unique_ptr<Offload>* spawner, Offload* other) {
      const auto command = shell("sleep 1000");
      CO_TRY(auto spawned,
             co_await (*spawner)->run<SpawnedChild>([&command] { return spawn_child(command); }));
      ChildProcess child(Core::current(), std::move(spawned));
      CO_TRY_OK(co_await other->run<int>([spawner]() -> Result<int> {
        spawner->reset();
        return 0;
      }));
      co_return co_await child.exited();
    }
  };
  auto short_lived = std::make_unique<Offload>(1);
  const auto exit = cores_->run_blocking<ChildExit>(0, [&] {
    return with_deadline(Outlive::run(&short_lived, &spawner_), Deadline::in(kSoon), "test");
  });
  ASSERT_TRUE(exit) << exit.error().describe();
  EXPECT_EQ(exit->signal, SIGKILL);
}

TEST_F(Child, WaitingForItCanBeGivenUpAndTakenUpAgain) {
  struct Twice {
    static Task<ChildExit> run(Offload* spawner) {
      const auto command = shell("read line; exit 7");
      CO_TRY(auto spawned,
             co_await spawner->run<SpawnedChild>([&command] { return spawn_child(command); }));
      ChildProcess child(Core::current(), std::move(spawned));
      auto early = co_await with_deadline(child.exited(), Deadline::in(5ms), "test");
      if (early || early.error().code != Errc::timeout)
        co_return fail(Errc::internal, "test", "it ended too early");
      if (!child.running()) co_return fail(Errc::internal, "test", "it should be running");
      CO_TRY_OK(co_await child.write_input(as_bytes("\n")));
      CO_TRY_OK(co_await child.exited());
      co_return co_await child.exited();  // told the same
    }
  };
  const auto exit = cores_->run_blocking<ChildExit>(
      0, [&] { return with_deadline(Twice::run(&spawner_), Deadline::in(kSoon), "test"); });
  ASSERT_TRUE(exit) << exit.error().describe();
  EXPECT_EQ(exit->text(), "exited with status 7");
}

TEST_F(Child, InputThatNobodyReadsIsAnError) {
  const auto ended = run_here(shell("exec <&-; sleep 0"), std::string(1 << 20, 'x'));
  ASSERT_FALSE(ended);
  EXPECT_NE(ended.error().detail.find("cannot write to a process"), std::string::npos)
      << ended.error().describe();
}

TEST_F(Child, SaysWhyAProgramCannotBeStarted) {
  const std::string folder = testing::TempDir();
  const std::string text = folder + "/child_process_test_text";
  std::ofstream(text) << "not a program\n";
  const std::string orphan = folder + "/child_process_test_orphan";
  std::ofstream(orphan) << "#!/no/such/interpreter\n";

  const auto refusal = [&](const std::string& program) {
    auto child = spawn_child({.program = program, .arguments = {}, .environment = {}});
    EXPECT_FALSE(child);
    return child ? Error{} : child.error();
  };
  EXPECT_EQ(refusal("/no/such/program").code, Errc::not_found);
  EXPECT_EQ(refusal(text).code, Errc::denied);
  ::chmod(text.c_str(), 0700);
  ::chmod(orphan.c_str(), 0700);
  EXPECT_EQ(refusal(text).code, Errc::invalid);
  EXPECT_NE(refusal(text).detail.find("no program for this machine"), std::string::npos);
  EXPECT_NE(refusal(orphan).detail.find("interpreter"), std::string::npos);
  ::unlink(text.c_str());
  ::unlink(orphan.c_str());
}

}  // namespace
}  // namespace trellis::runtime
