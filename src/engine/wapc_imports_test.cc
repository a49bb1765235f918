// What a waPC guest asks of its host and what the host gives it, with honest guests and wild ones.
#include "engine/wapc_imports.h"

#include <gtest/gtest.h>

#include <random>

#include "engine/engine_fixture.h"
#include "engine/probe_guest.h"
#include "engine/test_guest.h"
#include "engine/wasi_imports.h"

namespace trellis::engine {
namespace {

std::string u32_bytes(std::uint32_t value) {
  return std::string(reinterpret_cast<const char*>(&value), 4);
}

class WapcImports : public EngineFixture, public ::testing::WithParamInterface<const char*> {};
INSTANTIATE_TEST_SUITE_P(UnderBothNames, WapcImports, ::testing::Values("wapc", "wasmbus"));

TEST_P(WapcImports, CarryRequestAndResponse) {
  auto module = loaded(test_guest(GetParam()));
  EXPECT_EQ(call(module, "echo", "hello").value_or("error"), "hello");
  EXPECT_EQ(call(module, "echo", "").value_or("error"), "");
  EXPECT_EQ(call(module, "nothing", "ignored").value_or("error"), "");
}

TEST_P(WapcImports, CarryTheGuestsErrorVerbatim) {
  auto module = loaded(test_guest(GetParam()));
  auto answer = call(module, "x", "went \xff wrong");
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Errc::invalid);
  EXPECT_STREQ(answer.error().site, "guest.error");
  EXPECT_EQ(answer.error().detail, "went \xff wrong");
  EXPECT_EQ(call(module, "quiet", "").error().detail,
            "actor answered quiet with an error but no text");
}

TEST_P(WapcImports, CarryAHostCallAndItsAnswer) {
  auto module = loaded(test_guest(GetParam()));
  host_.answer = to_bytes("forty-two");
  auto answer = with_pool<std::string>(module, {}, [](InstancePool& pool) {
    return call_text(pool, "host", "question", soon(), 3);
  });
  EXPECT_EQ(answer.value_or("error"), "forty-two");
  ASSERT_EQ(host_.seen.size(), 1u);
  EXPECT_EQ(host_.seen[0].binding, "bind");
  EXPECT_EQ(host_.seen[0].contract_or_actor, "contract");
  EXPECT_EQ(host_.seen[0].operation, "operation");
  EXPECT_EQ(host_.seen[0].payload, "question");
  EXPECT_EQ(host_.seen[0].depth, 3u);
}

TEST_P(WapcImports, CarryAHostCallsError) {
  auto module = loaded(test_guest(GetParam()));
  host_.answer = fail(Errc::denied, "test", "not allowed");
  EXPECT_EQ(call(module, "host", "question").error().detail, "not allowed");
}

TEST_P(WapcImports, CarryAHostCallFromDeepInsideTheGuest) {
  host_.answer = to_bytes("deep");
  EXPECT_EQ(call(loaded(test_guest(GetParam())), "H", "").value_or("error"), "deep");
}

TEST_P(WapcImports, CarryEmptyPayloadsBothWays) {
  host_.answer = Bytes{};
  EXPECT_EQ(call(loaded(test_guest(GetParam())), "host", "").value_or("error"), "");
  ASSERT_EQ(host_.seen.size(), 1u);
  EXPECT_EQ(host_.seen[0].payload, "");
}

TEST_P(WapcImports, LogALineOfBoundedLength) {
  auto module = loaded(test_guest(GetParam()));
  EXPECT_TRUE(call(module, "log", "a line"));
  EXPECT_TRUE(call(module, "log", std::string(20'000, 'x')));
  ASSERT_EQ(host_.logged.size(), 2u);
  EXPECT_EQ(host_.logged[0], "a line");
  EXPECT_EQ(host_.logged[1].size(), limits::kGuestLogBytesMax);
}

TEST_P(WapcImports, AcceptAResponseOfTheLimitAndNotAByteMore) {
  auto module = loaded(test_guest(GetParam()));
  const auto max = static_cast<std::uint32_t>(limits::kGuestResponseBytesMax);
  EXPECT_EQ(call(module, "B", u32_bytes(max)).value_or("error").size(), max);
  auto over = call(module, "B", u32_bytes(max + 1));
  ASSERT_FALSE(over);
  EXPECT_EQ(over.error().code, Errc::trapped);
  EXPECT_NE(over.error().detail.find("__guest_response was given 67108865 bytes"),
            std::string::npos)
      << over.error().detail;
}

TEST_P(WapcImports, NeedNotAllBeImported) {
  auto module = loaded(fmt::format(R"((module
    (import "{}" "__guest_response" (func $response (param i32 i32)))
    (memory (export "memory") 1) (data (i32.const 16) "few")
    (func (export "__guest_call") (param i32 i32) (result i32)
      (call $response (i32.const 16) (i32.const 3)) (i32.const 1))))",
                                   GetParam()));
  EXPECT_EQ(call(module, "anything", "").value_or("error"), "few");
}

TEST_F(WapcImports, StopAGuestWithAWildPointerAndSayWhere) {
  auto module = loaded(probe_guest("wapc", "__guest_response", "ii:"));
  auto answer = call(module, "probe", probe_payload({0x1ffff, 2}));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Errc::trapped);
  EXPECT_NE(answer.error().detail.find(
                "actor failed in probe: __guest_response was given the range 131071+2, outside its "
                "memory of 131072 bytes; backtrace: "),
            std::string::npos)
      << answer.error().detail;
}

TEST_F(WapcImports, AllowAnEmptyRangeAnywhere) {
  auto module = loaded(probe_guest("wapc", "__guest_response", "ii:"));
  EXPECT_TRUE(call(module, "probe", probe_payload({0xffffffff, 0})));
}

TEST_F(WapcImports, RefuseHostCallNamesBeyondTheirLimit) {
  auto module = loaded(probe_guest("wapc", "__host_call", "iiiiiiii:i"));
  auto answer = call(module, "probe", probe_payload({0, 4097, 0, 0, 0, 0, 0, 0}));
  ASSERT_FALSE(answer);
  EXPECT_NE(answer.error().detail.find("__host_call was given 4097 bytes, more than the 4096"),
            std::string::npos);
}

// Every function hosts provide, under every module name, with pointers and lengths around the end
// of memory and around the ends of 32 bits. Under AddressSanitizer an unchecked one shows itself.
TEST_F(WapcImports, SurviveEveryCombinationOfEdgesInEveryFunction) {
  constexpr std::uint64_t kEdges[] = {0,          1,          0x1fffe,    0x1ffff,
                                      0x20000,    0x20001,    0x7fffffff, 0x80000000,
                                      0xfffffffe, 0xffffffff, 8,          0xffff'ffff'ffff'ffff};
  std::mt19937 random(20221128);
  const std::pair<const char*, std::span<const ImportDefinition>> kSets[] = {
      {"wapc", wapc_imports()},
      {"wasi_snapshot_preview1", wasi_imports()},
      {"wasi_unstable", wasi_unstable_imports()}};
  host_.answer = to_bytes("some answer");
  std::size_t trapped = 0, answered = 0;
  for (const auto& [name, imports] : kSets) {
    for (const auto& import : imports) {
      const std::string_view signature = import.signature;
      auto module = loaded(probe_guest(name, import.name, signature));
      ASSERT_TRUE(module);
      const std::size_t arguments = signature.find(':');
      auto probe = [&](InstancePool& pool) -> runtime::Task<void> {
        for (int i = 0; i < 150; ++i) {
          std::vector<std::uint64_t> values(arguments);
          for (auto& value : values)
            value = i % 5 == 4 ? random() : kEdges[random() % std::size(kEdges)];
          // poll_oneoff may find a clock to wait for: then the deadline ends it.
          auto answer = co_await pool.call("probe", as_bytes(probe_payload(values)),
                                           runtime::Deadline::in(std::chrono::milliseconds(50)), 0);
          if (answer)
            ++answered;
          else if (answer.error().code == Errc::trapped)
            ++trapped;
          else if (answer.error().code == Errc::timeout)
            EXPECT_STREQ(import.name, "poll_oneoff");
          else
            EXPECT_EQ(answer.error().describe(), "") << name << "." << import.name;
        }
        co_return Result<void>();
      };
      EXPECT_TRUE(with_pool<void>(module, {}, probe));
    }
  }
  EXPECT_GT(trapped, 500u);
  EXPECT_GT(answered, 500u);
}

}  // namespace
}  // namespace trellis::engine
