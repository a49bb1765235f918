// Which modules an engine takes, what it says about the others, and what it starts in which order.
#include "engine/engine.h"

#include "engine/engine_fixture.h"
#include "engine/profile.h"
#include "engine/test_guest.h"

namespace trellis::engine {
namespace {

class Load : public EngineFixture {};

constexpr std::string_view kCall = R"((func (export "__guest_call") (param i32 i32) (result i32)
                                        (i32.const 1)))";
constexpr std::string_view kMemory = R"((memory (export "memory") 1))";

TEST_F(Load, RefusesWhatIsNotAModule) {
  for (std::string_view text : {"", "\0asm", "<html>",
                                "\x7f"
                                "ELF and more"}) {
    auto module = load(as_bytes(text));
    ASSERT_FALSE(module);
    EXPECT_EQ(module.error().code, Errc::invalid);
    EXPECT_EQ(module.error().detail, "this is not a WebAssembly module");
  }
}

TEST_F(Load, RefusesAComponentByName) {
  const Bytes component{0x00, 0x61, 0x73, 0x6d, 0x0d, 0x00, 0x01, 0x00};
  EXPECT_EQ(load(component).error().detail,
            "this is a component; actors are core modules with __guest_call");
}

TEST_F(Load, RefusesADamagedModule) {
  Bytes wasm = wat(test_guest());
  wasm.resize(wasm.size() - 10);
  auto module = load(wasm);
  ASSERT_FALSE(module);
  EXPECT_EQ(module.error().code, Errc::invalid);
  EXPECT_TRUE(module.error().detail.starts_with("the module cannot be compiled: "));
}

TEST_F(Load, RefusesAModuleBeyondTheSizeLimit) {
  Bytes wasm = wat(test_guest());
  wasm.resize(limits::kModuleBytesMax + 1);
  EXPECT_EQ(load(wasm).error().code, Errc::exhausted);
}

TEST_F(Load, NamesEveryImportNobodyProvides) {
  EXPECT_EQ(
      load_error(fmt::format(R"((module
      (import "env" "foo" (func)) (import "wapc" "__guest_bar" (func))
      (import "wapc" "__guest_response" (func (param i32)))
      (import "env" "table" (table 1 funcref))
      (import "wapc" "__guest_error" (func (param i32 i32))) {} {}))",
                             kCall, kMemory)),
      "module imports env.foo, wapc.__guest_bar, wapc.__guest_response with another signature, "
      "env.table, which no host provides. Actors may import wapc, wasmbus and WASI preview 1 "
      "functions");
}

TEST_F(Load, NamesTheExportThatIsMissing) {
  EXPECT_EQ(load_error(fmt::format("(module {})", kMemory)),
            "module exports no __guest_call, which every actor must. Is it built as an actor?");
  EXPECT_EQ(load_error(fmt::format("(module {})", kCall)),
            "module exports no memory, which every actor must. Is it built as an actor?");
  EXPECT_EQ(
      load_error("(module)"),
      "module exports no __guest_call and no memory, which every actor must. Is it built as an "
      "actor?");
  EXPECT_EQ(
      load_error(fmt::format(R"((module {} (func (export "__guest_call") (param i32))))", kMemory)),
      "module exports __guest_call with another signature than (i32, i32) -> i32");
}

TEST_F(Load, RefusesMemoryBeyondTheLimit) {
  EXPECT_TRUE(load_error(fmt::format(R"((module {} (memory (export "memory") 5000)))", kCall))
                  .starts_with("the module cannot be compiled: "));
}

TEST_F(Load, LearnsTheApiVersionAndTheHash) {
  auto module = loaded(test_guest("wasmbus", R"(
      (func (export "__wasmbus_rpc_version") (result i32) (i32.const 7)))"));
  EXPECT_EQ(module->info().api_version, 7);
  EXPECT_EQ(module->info().memory_pages_min, 2u);
  EXPECT_EQ(module->info().content_hash.size(), 64u);
  EXPECT_FALSE(module->info().imports_wasi);
  EXPECT_EQ(loaded(test_guest())->info().api_version, 0);
}

TEST_F(Load, GivesEqualBytesOneModuleWhileAnybodyHoldsIt) {
  auto first = loaded(test_guest());
  const auto* address = first.get();
  EXPECT_EQ(loaded(test_guest()).get(), address);
  const auto other = loaded(fmt::format("(module {} {})", kCall, kMemory));
  EXPECT_NE(other.get(), address);
  std::weak_ptr<const Module> gone = first;
  first.reset();
  EXPECT_TRUE(gone.expired());
  EXPECT_TRUE(loaded(test_guest()));
}

// Each start-up export writes its letter; the call answers what was written.
std::string ordered(std::string_view exports) {
  std::string functions;
  for (std::size_t at = 0; at < exports.size();) {
    const auto end = std::min(exports.find(' ', at), exports.size());
    const auto name = exports.substr(at, end - at);
    functions += fmt::format("(func (export \"{}\") (call $write (i32.const {})))", name,
                             static_cast<int>(name == "_start" ? 'S' : name[0]));
    at = end + 1;
  }
  return fmt::format(R"((module
    (import "wapc" "__guest_response" (func $response (param i32 i32)))
    (memory (export "memory") 1) (global $n (mut i32) (i32.const 0))
    (func $write (param i32) (i32.store8 (global.get $n) (local.get 0))
      (global.set $n (i32.add (global.get $n) (i32.const 1))))
    (func (export "__guest_call") (param i32 i32) (result i32)
      (call $response (i32.const 0) (global.get $n)) (i32.const 1)) {}))",
                     functions);
}

TEST_F(Load, CallsStartupExportsInTheirOrder) {
  EXPECT_EQ(call(loaded(ordered("_start wapc_init start _initialize")), "", "").value_or("error"),
            "swS");
  EXPECT_EQ(call(loaded(ordered("wapc_init _initialize start")), "", "").value_or("error"), "_sw");
  EXPECT_EQ(call(loaded(ordered("")), "", "").value_or("error"), "");
}

TEST_F(Load, IgnoresStartupExportsThatTrapOrTakeArguments) {
  auto module = loaded(test_guest("wapc", R"(
      (func (export "start") unreachable)
      (func (export "wapc_init") (param i32) unreachable))"));
  EXPECT_EQ(call(module, "echo", "hello").value_or("error"), "hello");
}

TEST_F(Load, AllowsProcExitInStart) {
  auto module = loaded(R"((module
    (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
    (import "wapc" "__guest_response" (func $response (param i32 i32)))
    (memory (export "memory") 1) (data (i32.const 0) "alive")
    (func (export "_start") (call $exit (i32.const 0)))
    (func (export "__guest_call") (param i32 i32) (result i32)
      (call $response (i32.const 0) (i32.const 5)) (i32.const 1))))");
  EXPECT_TRUE(module->info().imports_wasi);
  EXPECT_EQ(call(module, "", "").value_or("error"), "alive");
}

TEST_F(Load, ReportsAModuleThatCannotBeInstantiated) {
  EXPECT_EQ(load_error(fmt::format(R"((module {} {} (func $main unreachable) (start $main)))",
                                   kCall, kMemory)),
            "the module cannot be started: unreachable code was executed (a panic or abort); "
            "backtrace: main");
  EXPECT_TRUE(
      load_error(fmt::format(R"((module {} {} (data (i32.const 70000) "x")))", kCall, kMemory))
          .starts_with("the module cannot be started: it accessed an address outside"));
}

// A host call in a start-up export waits like any other; while the module is loaded nobody answers.
TEST_F(Load, AnswersHostCallsOfStartupExports) {
  auto module = loaded(test_guest("wapc", R"(
      (func (export "wapc_init") (drop (call $host (i32.const 0)))))"));
  EXPECT_TRUE(host_.seen.empty());
  host_.answer = to_bytes("ready");
  EXPECT_EQ(call(module, "echo", "hello").value_or("error"), "hello");
  EXPECT_EQ(host_.seen.size(), 1u);
}

TEST(InstancesThatFit, LeaveRoomForModules) {
  EXPECT_EQ(instances_that_fit(2000, 65'530), 2000u);
  EXPECT_EQ(instances_that_fit(10'000, 65'530), 3276u);
  EXPECT_EQ(instances_that_fit(2000, 0), 1u);
  EXPECT_GT(map_count_max(), 0u);
}

}  // namespace
}  // namespace trellis::engine
