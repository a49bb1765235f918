// WASI preview 1 as a guest without files sees it, under both of its names.
#include "engine/wasi_imports.h"

#include <chrono>

#include "engine/engine_fixture.h"
#include "engine/guest_memory.h"
#include "engine/probe_guest.h"

namespace trellis::engine {
namespace {

using namespace std::chrono_literals;

constexpr std::uint32_t kSuccess = 0, kBadDescriptor = 8, kInvalid = 28, kNotSeekable = 70;
constexpr std::uint64_t kOut =
    0x810;  // where a test has results written; offset 0x10 of the answer

class Wasi : public EngineFixture, public ::testing::WithParamInterface<const char*> {
 protected:
  struct Answer {
    std::uint32_t errno_;
    std::string memory;  // from kOut
    template <class T>
    T at(std::size_t offset) const {
      return load_le<T>(reinterpret_cast<const std::uint8_t*>(memory.data()) + offset);
    }
  };
  // Calls the function with `memory` lying at 0x100.
  Answer ask(std::string_view name, const std::vector<std::uint64_t>& arguments,
             std::string_view memory = "", runtime::Deadline deadline = soon()) {
    std::string_view signature;
    for (const auto& import : wasi_imports())
      if (name == import.name) signature = import.signature;
    auto module = loaded(probe_guest(GetParam(), name, signature));
    std::string payload = probe_payload(arguments);
    payload.resize(0x100);
    payload += memory;
    auto answer = with_pool<std::string>(module, {}, [&](InstancePool& pool) {
      return call_text(pool, "probe", payload, deadline);
    });
    error_ = answer ? "" : answer.error().detail;
    if (!answer) return {~0u, {}};
    return {load_le<std::uint32_t>(reinterpret_cast<const std::uint8_t*>(answer->data())),
            answer->substr(0x10)};
  }
  bool unstable() const { return GetParam() == std::string_view("wasi_unstable"); }
  std::string error_;
};
INSTANTIATE_TEST_SUITE_P(UnderBothNames, Wasi,
                         ::testing::Values("wasi_snapshot_preview1", "wasi_unstable"));

template <class... T>
std::string packed(T... values) {
  std::string bytes;
  (bytes.append(reinterpret_cast<const char*>(&values), sizeof values), ...);
  return bytes;
}

TEST_P(Wasi, HasNoArgumentsAndNoEnvironment) {
  for (const char* name : {"args_sizes_get", "environ_sizes_get"}) {
    const auto answer = ask(name, {kOut, kOut + 4});
    EXPECT_EQ(answer.errno_, kSuccess);
    EXPECT_EQ(answer.at<std::uint64_t>(0), 0u);
  }
  EXPECT_EQ(ask("args_get", {0, 0}).errno_, kSuccess);
  EXPECT_EQ(ask("environ_get", {0, 0}).errno_, kSuccess);
}

TEST_P(Wasi, TellsTheTime) {
  const auto answer = ask("clock_time_get", {0, 1, kOut});
  EXPECT_EQ(answer.errno_, kSuccess);
  const std::chrono::nanoseconds told(answer.at<std::uint64_t>(0));
  EXPECT_LT(std::chrono::abs(std::chrono::system_clock::now().time_since_epoch() - told), 10s);
  EXPECT_EQ(ask("clock_time_get", {1, 1, kOut}).errno_, kSuccess);
  EXPECT_EQ(ask("clock_time_get", {9, 1, kOut}).errno_, kInvalid);
  EXPECT_EQ(ask("clock_res_get", {0, kOut}).errno_, kSuccess);
}

TEST_P(Wasi, GivesRandomBytes) {
  const auto one = ask("random_get", {kOut, 32}), other = ask("random_get", {kOut, 32});
  EXPECT_EQ(one.errno_, kSuccess);
  EXPECT_NE(one.memory.substr(0, 32), other.memory.substr(0, 32));
}

TEST_P(Wasi, WritesLinesToTheLog) {
  const std::string text = "first\nsecond\n\nrest";
  const std::string memory =
      packed(std::uint32_t{0x120}, std::uint32_t{8}, std::uint32_t{0x128}, std::uint32_t{10}) +
      std::string(16, '\0') + text;
  const auto answer = ask("fd_write", {1, 0x100, 2, kOut}, memory);
  EXPECT_EQ(answer.errno_, kSuccess);
  EXPECT_EQ(answer.at<std::uint32_t>(0), 18u);
  EXPECT_EQ(host_.logged, (std::vector<std::string>{"first", "second", "", "rest"}));
  EXPECT_EQ(ask("fd_write", {2, 0x100, 2, kOut}, memory).errno_, kSuccess);
  EXPECT_EQ(ask("fd_write", {0, 0x100, 2, kOut}, memory).errno_, kBadDescriptor);
  EXPECT_EQ(ask("fd_write", {1, 0x100, 1025, kOut}, memory).errno_, kInvalid);
}

TEST_P(Wasi, CutsLinesAndWritesAtTheirLimits) {
  const std::string memory =
      packed(std::uint32_t{0}, std::uint32_t{0x20000}, std::uint32_t{0}, std::uint32_t{0x20000});
  const auto answer = ask("fd_write", {1, 0x100, 2, kOut}, memory);
  EXPECT_EQ(answer.errno_, kSuccess);
  EXPECT_EQ(answer.at<std::uint32_t>(0), 64u << 10);
  for (const auto& line : host_.logged) EXPECT_LE(line.size(), limits::kGuestLogBytesMax);
}

TEST_P(Wasi, StopsAGuestWhoseBuffersLieOutside) {
  const std::string memory = packed(std::uint32_t{0x1fff0}, std::uint32_t{0x11});
  ask("fd_write", {1, 0x100, 1, kOut}, memory);
  EXPECT_NE(error_.find("fd_write was given the range 131056+17, outside"), std::string::npos)
      << error_;
  ask("random_get", {0x1ffff, 2});
  EXPECT_NE(error_.find("random_get was given the range"), std::string::npos);
}

TEST_P(Wasi, EndsStandardInput) {
  EXPECT_EQ(ask("fd_read", {0, 0x100, 1, kOut}, packed(std::uint64_t{0})).errno_, kSuccess);
  EXPECT_EQ(ask("fd_read", {3, 0x100, 1, kOut}, packed(std::uint64_t{0})).errno_, kBadDescriptor);
}

TEST_P(Wasi, DescribesStandardStreamsAndNothingElse) {
  EXPECT_EQ(ask("fd_fdstat_get", {1, kOut}).at<std::uint8_t>(0), 2u);
  EXPECT_EQ(ask("fd_fdstat_get", {3, kOut}).errno_, kBadDescriptor);
  EXPECT_EQ(ask("fd_filestat_get", {1, kOut}).errno_, kSuccess);
  EXPECT_EQ(ask("fd_prestat_get", {3, kOut}).errno_, kBadDescriptor);
  EXPECT_EQ(ask("fd_seek", {1, 0, 0, kOut}).errno_, kNotSeekable);
  EXPECT_EQ(ask("fd_close", {1}).errno_, kSuccess);
  EXPECT_EQ(ask("path_open", {3, 0, 0, 0, 0, 0, 0, 0, kOut}).errno_, kBadDescriptor);
  EXPECT_EQ(ask("sched_yield", {}).errno_, kSuccess);
}

// A clock subscription of either layout.
std::string clock(bool unstable, std::uint64_t user_data, std::uint32_t id, std::uint64_t timeout,
                  std::uint16_t flags) {
  std::string bytes = packed(user_data, std::uint64_t{0});
  if (unstable) bytes += packed(std::uint64_t{0});
  bytes += packed(id, std::uint32_t{0}, timeout, std::uint64_t{0}, flags);
  bytes.resize(unstable ? 56 : 48);
  return bytes;
}

TEST_P(Wasi, SleepsWithoutHoldingTheCore) {
  const auto begun = std::chrono::steady_clock::now();
  const std::string two =
      clock(unstable(), 7, 1, 20'000'000, 0) + clock(unstable(), 8, 1, 3'600'000'000'000, 0);
  const auto answer = ask("poll_oneoff", {0x100, kOut + 8, 2, kOut}, two);
  EXPECT_EQ(answer.errno_, kSuccess) << error_;
  EXPECT_EQ(answer.at<std::uint32_t>(0), 1u);   // events
  EXPECT_EQ(answer.at<std::uint64_t>(8), 7u);   // user data
  EXPECT_EQ(answer.at<std::uint16_t>(16), 0u);  // error
  EXPECT_GE(std::chrono::steady_clock::now() - begun, 20ms);
}

TEST_P(Wasi, SleepsUntilAnAbsoluteTimeThatHasPassed) {
  const auto answer =
      ask("poll_oneoff", {0x100, kOut + 8, 1, kOut}, clock(unstable(), 7, 0, 1000, 1));
  EXPECT_EQ(answer.errno_, kSuccess);
  EXPECT_EQ(answer.at<std::uint32_t>(0), 1u);
}

TEST_P(Wasi, SleepsNoLongerThanTheDeadline) {
  ask("poll_oneoff", {0x100, kOut + 8, 1, kOut}, clock(unstable(), 7, 1, ~std::uint64_t{0}, 0),
      runtime::Deadline::in(20ms));
  EXPECT_TRUE(error_.starts_with("actor did not answer probe within ")) << error_;
}

TEST_P(Wasi, RefusesToPollNothingOrTooMuch) {
  EXPECT_EQ(ask("poll_oneoff", {0x100, kOut, 0, kOut}).errno_, kInvalid);
  EXPECT_EQ(ask("poll_oneoff", {0x100, kOut, 0xffffffff, kOut}).errno_, kInvalid);
}

TEST_P(Wasi, ExitEndsTheCall) {
  ask("proc_exit", {5});
  EXPECT_TRUE(error_.starts_with("actor failed in probe: it exited with code 5")) << error_;
}

}  // namespace
}  // namespace trellis::engine
