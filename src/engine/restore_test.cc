// A used instance that is restored cannot be told from a new one: not by its memory, wherever it
// wrote, not by its globals, not by its size. And which modules get a new one each time instead.
#include <unistd.h>

#include <filesystem>

#include "engine/engine_fixture.h"
#include "engine/guest_memory.h"
#include "engine/pool.h"
#include "engine/test_guest.h"

namespace trellis::engine {
namespace {

using namespace std::chrono_literals;
using runtime::Task;

// Answers 8 bytes: the cell at the address that the payload's u32 gives, as the call found it, and
// the size of the memory in pages. Then writes to the cell. `before` runs first.
std::string prober(std::string_view before, std::string_view extra = "") {
  return fmt::format(R"((module
    (import "wapc" "__guest_request" (func $request (param i32 i32)))
    (import "wapc" "__guest_response" (func $response (param i32 i32)))
    (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
    (memory (export "memory") 4 64)
    (data (i32.const 0x10000) "data of the module")
    {}
    (func (export "__guest_call") (param i32 i32) (result i32) (local $at i32)
      {}
      (call $request (i32.const 64) (i32.const 80))
      (local.set $at (i32.load (i32.const 80)))
      (i32.store (i32.const 96) (i32.load (local.get $at)))
      (i32.store (i32.const 100) (memory.size))
      (i32.store (local.get $at) (i32.const -1))
      (call $response (i32.const 96) (i32.const 8))
      (i32.const 1)))",
                     extra, before) +
         ")";
}

std::string u32(std::uint32_t value) {
  std::string text(4, '\0');
  store_le(reinterpret_cast<std::uint8_t*>(text.data()), value);
  return text;
}

class Restore : public EngineFixture {
 protected:
  // The answers to one call per address, one after the other, and how many instances that took.
  std::uint64_t probe(std::string_view text, const std::vector<std::uint32_t>& addresses,
                      std::vector<std::string>& answers) {
    std::uint64_t made = 0;
    auto use = [&](InstancePool& pool) -> Task<void> {
      for (const auto at : addresses) {
        answers.push_back((co_await call_text(pool, "probe", u32(at), soon())).value_or("error"));
        if (at % 8 == 0)
          EXPECT_TRUE(co_await runtime::Core::current().sleep_until(runtime::Deadline::in(0ms)));
      }
      made = pool.instances_made();
      co_return Result<void>();
    };
    EXPECT_TRUE(with_pool<void>(loaded(text), {}, use));
    return made;
  }
  bool restores() {  // not every kernel helps
    std::vector<std::string> answers;
    return probe(prober(""), {128, 128, 128}, answers) == 1;
  }
};

TEST_F(Restore, MakesOneInstanceDoForManyCalls) {
  if (!restores()) GTEST_SKIP() << "this kernel does not tell which pages were written";
  std::vector<std::string> answers;
  EXPECT_EQ(probe(prober(""), std::vector<std::uint32_t>(50, 4096), answers), 1u);
  for (const auto& answer : answers) EXPECT_EQ(answer, u32(0) + u32(4));
}

TEST_F(Restore, FindsWhatWasWrittenAnywhere) {
  std::vector<std::uint32_t> addresses;
  for (std::uint32_t round = 0; round < 2; ++round) {
    for (std::uint32_t at = 128; at < 4 * 65536; at += 2048) addresses.push_back(at);
  }
  std::vector<std::string> answers;
  probe(prober(""), addresses, answers);
  for (std::size_t i = 0; i < addresses.size(); ++i) {
    const bool is_data = addresses[i] >= 0x10000 && addresses[i] < 0x10012;
    if (!is_data) EXPECT_EQ(answers[i], u32(0) + u32(4)) << addresses[i];
  }
  answers.clear();
  probe(prober(""), {0x10000, 0x10000, 0x10000}, answers);
  for (const auto& answer : answers) EXPECT_EQ(answer, "data" + u32(4));
}

TEST_F(Restore, TakesGrowthBack) {
  const std::string text = prober("(drop (memory.grow (i32.const 3)))");
  const std::vector<std::uint32_t> addresses(20, 6 * 65536);  // in what it grew by
  std::vector<std::string> answers;
  const auto made = probe(text, addresses, answers);
  if (restores()) EXPECT_EQ(made, 1u);
  for (const auto& answer : answers) EXPECT_EQ(answer, u32(0) + u32(7));
}

TEST_F(Restore, LetsAGuestGrowToItsLimitAndNoFurther) {
  // 4 + 60 is the module's own maximum, which the first call reaches in two steps.
  const std::string text = prober(R"(
    (if (i32.ne (memory.grow (i32.const 59)) (i32.const 4)) (then unreachable))
    (if (i32.ne (memory.grow (i32.const 1)) (i32.const 63)) (then unreachable))
    (if (i32.ne (memory.grow (i32.const 1)) (i32.const -1)) (then unreachable))
    (if (i32.ne (memory.grow (i32.const -1)) (i32.const -1)) (then unreachable))
    (if (i32.ne (memory.grow (i32.const 0)) (i32.const 64)) (then unreachable)))");
  std::vector<std::string> answers;
  probe(text, {128, 128, 128}, answers);
  for (const auto& answer : answers) EXPECT_EQ(answer, u32(0) + u32(64));
}

TEST_F(Restore, PutsGlobalsOfEveryKindBack) {
  const std::string text = prober(R"(
    (if (i32.ne (global.get $a) (i32.const 5)) (then unreachable))
    (if (i64.ne (global.get $b) (i64.const 1099511627776)) (then unreachable))
    (if (f64.ne (global.get $c) (f64.const 2.5)) (then unreachable))
    (if (f32.ne (global.get $d) (f32.const 1.5)) (then unreachable))
    (global.set $a (i32.const 1)) (global.set $b (i64.const 2))
    (global.set $c (f64.const 3)) (global.set $d (f32.const 4)))",
                                  R"(
    (global $a (mut i32) (i32.const 4)) (global $b (mut i64) (i64.const 1099511627776))
    (global $k i32 (i32.const 9)) (global $c (mut f64) (f64.const 2.5))
    (global $d (mut f32) (f32.const 1.5))
    (func (export "wapc_init") (global.set $a (i32.const 5))))");
  std::vector<std::string> answers;
  const auto made = probe(text, {128, 136, 144, 152}, answers);
  if (restores()) EXPECT_EQ(made, 1u);
  for (const auto& answer : answers) EXPECT_EQ(answer, u32(0) + u32(4));
}

TEST_F(Restore, GivesNewInstancesWhereTheStartDrewByChance) {
  const std::string text = prober(
      "", R"((func (export "wapc_init") (drop (call $random (i32.const 0x20000) (i32.const 4)))))");
  const std::vector<std::uint32_t> addresses(8, 0x20000);
  std::vector<std::string> answers;
  EXPECT_GE(probe(text, addresses, answers), addresses.size());
  EXPECT_NE(answers[0], answers[1]) << "two calls must not draw the same";
}

TEST_F(Restore, GivesNewInstancesWhereATableIsWritten) {
  const std::string text = prober("(table.set $t (i32.const 0) (ref.func $f))",
                                  R"((table $t 1 funcref) (func $f) (elem declare func $f))");
  std::vector<std::string> answers;
  EXPECT_GE(probe(text, {128, 128, 128}, answers), 3u);
}

// Such a module is compiled as it is, and so the state that it hides could not be put back.
TEST_F(Restore, GivesNewInstancesWhereAModuleExportsWhatOnlyTheHostMay) {
  const std::string text = prober(R"(
    (if (i32.ne (global.get $hidden) (i32.const 0)) (then unreachable))
    (global.set $hidden (i32.const 1)))",
                                  R"(
    (global $shown (export "trellis:global:0") (mut i32) (i32.const 0))
    (global $hidden (mut i32) (i32.const 0)))");
  const auto folder =
      std::filesystem::temp_directory_path() / fmt::format("restore_test.{}", ::getpid());
  start_engine({.cache_dir = folder.string(), .instances_max = 64});
  for (const char* from : {"compiler", "cache"}) {
    std::vector<std::string> answers;
    EXPECT_GE(probe(text, {128, 128, 128}, answers), 3u) << from;
    for (const auto& answer : answers) EXPECT_EQ(answer, u32(0) + u32(4)) << from;
  }
  std::filesystem::remove_all(folder);
}

TEST_F(Restore, GivesNewInstancesWhereTheStartWasRefusedMemory) {
  const std::string text =
      prober("", R"((func (export "wapc_init") (drop (memory.grow (i32.const 16)))))");
  auto module = loaded(text);  // with room for the growth, as its image has it
  auto use = [](InstancePool& pool) -> Task<void> {
    for (int i = 0; i < 4; ++i) {
      EXPECT_EQ((co_await call_text(pool, "probe", u32(128), soon())).value_or("error"),
                u32(0) + u32(4));
    }
    EXPECT_GE(pool.instances_made(), 4u);
    co_return Result<void>();
  };
  EXPECT_TRUE(with_pool<void>(module, {.memory_bytes_max = 8 * 65536}, use));
}

// There was no room for 36 pages while the module was loaded, and there is when it is called.
TEST_F(Restore, TakesNoImageOfAStartThatWasRefusedMemory) {
  start_engine({.instances_max = 64, .guest_memory_bytes_max = 4u << 20});
  const std::string text =
      prober("", R"((func (export "wapc_init") (drop (memory.grow (i32.const 32)))))");
  const Bytes wasm = wat(text);
  std::shared_ptr<const Module> module;
  auto load_beside = [&](InstancePool& pool) -> Task<void> {
    CO_TRY_OK(co_await call_text(pool, "grow", u32(128), soon()));
    CO_TRY(module, co_await engine_->load(wasm));
    co_return Result<void>();
  };
  EXPECT_TRUE(with_pool<void>(loaded(prober("(drop (memory.grow (i32.const 36)))")),
                              {.mode = InstanceMode::reuse}, load_beside));
  std::vector<std::string> answers;
  probe(text, {128, 128, 128}, answers);
  for (const auto& answer : answers) EXPECT_EQ(answer, u32(0) + u32(36));
}

TEST_F(Restore, RenewsAnInstanceThatWroteMuchNowAndThen) {
  std::string text = prober("(memory.fill (i32.const 0x20000) (i32.const 7) (i32.const $BYTES))");
  text.replace(text.find("4 64"), 4, "20 64");
  const auto filling = [&](std::string_view bytes) {
    std::string filled = text;
    return filled.replace(filled.find("$BYTES"), 6, bytes);
  };
  const std::vector<std::uint32_t> addresses(60, 128);
  std::vector<std::string> answers;
  const auto made = probe(filling("0x80000"), addresses, answers);
  EXPECT_GE(made, 3u);
  if (restores()) EXPECT_LE(made, 10u) << "but not at each call";
  const auto made_of_less = probe(filling("0x10000"), addresses, answers);
  if (restores()) EXPECT_EQ(made_of_less, 1u);
  for (const auto& answer : answers) EXPECT_EQ(answer, u32(0) + u32(20));
}

TEST_F(Restore, PutsBackWhatTheStartWroteHoweverMuch) {
  std::string text = prober("", R"((func (export "wapc_init")
    (memory.fill (i32.const 0x20000) (i32.const 7) (i32.const 0x80000))))");
  text.replace(text.find("4 64"), 4, "20 64");
  std::vector<std::string> answers;
  const auto made = probe(text, {0x20000, 0x20000, 0x20000}, answers);
  if (restores()) EXPECT_EQ(made, 1u);
  for (const auto& answer : answers) EXPECT_EQ(answer, "\7\7\7\7" + u32(20));
}

TEST_F(Restore, GivesNewInstancesWhereThereIsTooMuchToLookAt) {
  std::string text = prober("");
  text.replace(text.find("4 64"), 4, "260 300");  // 16.25 MiB
  std::vector<std::string> answers;
  EXPECT_GE(probe(text, {128, 128, 128}, answers), 3u);
  for (const auto& answer : answers) EXPECT_EQ(answer, u32(0) + u32(260));
}

// A start that computes past a tick of the clock is interrupted, as any may be by bad luck.
TEST_F(Restore, MakesOneInstanceDoThoughItsStartWasInterrupted) {
  const std::string text = prober("", R"((func (export "wapc_init") (local $left i32)
    (local.set $left (i32.const 100000000))
    (loop $more (br_if $more
      (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))))");
  std::vector<std::string> answers;
  const auto made = probe(text, {128, 128, 128}, answers);
  if (restores()) EXPECT_EQ(made, 1u);
  for (const auto& answer : answers) EXPECT_EQ(answer, u32(0) + u32(4));
}

TEST_F(Restore, KeepsNoInstanceThatGrewALot) {
  std::string text = prober("(drop (memory.grow (i32.const 512)))");
  text.replace(text.find("4 64"), 4, "4 900");
  std::vector<std::string> answers;
  EXPECT_GE(probe(text, {128, 128, 128}, answers), 3u);
  for (const auto& answer : answers) EXPECT_EQ(answer, u32(0) + u32(516));
}

}  // namespace
}  // namespace trellis::engine
