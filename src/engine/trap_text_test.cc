// How a guest that fails is stopped and what its caller reads.
#include "engine/trap_text.h"

#include "engine/engine_fixture.h"
#include "engine/test_guest.h"

namespace trellis::engine {
namespace {

class Trap : public EngineFixture {
 protected:
  std::string failure(std::string_view operation, std::size_t memory_bytes_max = 64 << 20) {
    auto answer = call(loaded(test_guest()), operation, "",
                       {.actor_name = "actor echo (M123)", .memory_bytes_max = memory_bytes_max});
    if (answer) return "answered";
    EXPECT_EQ(answer.error().code, Errc::trapped);
    EXPECT_STREQ(answer.error().site, "engine.trap");
    return answer.error().detail;
  }
};

TEST_F(Trap, NamesActorOperationReasonAndFunctions) {
  EXPECT_EQ(failure("unreachable"),
            "actor echo (M123) failed in unreachable: unreachable code was executed (a panic or "
            "abort); backtrace: <wasm function 14>");
}

TEST_F(Trap, SaysDivisionByZero) {
  EXPECT_NE(failure("d").find("integer division by zero"), std::string::npos);
}

TEST_F(Trap, SaysMemoryOutOfBounds) {
  EXPECT_NE(failure("o").find("it accessed an address outside its memory"), std::string::npos);
}

TEST_F(Trap, SaysStackOverflowWithABoundedBacktrace) {
  const std::string text = failure("recurse");
  EXPECT_NE(text.find("its call stack is exhausted (recursion too deep); backtrace: recurse < "
                      "recurse < "),
            std::string::npos)
      << text;
  EXPECT_LT(text.size(), 1000u);
  EXPECT_EQ(std::count(text.begin(), text.end(), '<'), 19);
}

TEST_F(Trap, RefusesMemoryAndMentionsItWhenTheGuestGivesUp) {
  const std::string text = failure("memory");
  EXPECT_NE(
      text.find("unreachable code was executed (a panic or abort) (its memory had grown to 60 "
                "MiB; more than 64 MiB is refused); backtrace: bomb"),
      std::string::npos)
      << text;
}

TEST_F(Trap, AppliesTheMemoryLimitOfThePool) {
  EXPECT_NE(failure("memory", 16 << 20).find("more than 16 MiB is refused"), std::string::npos);
}

TEST_F(Trap, CostsOnlyTheCallThatTrapped) {
  for (auto mode : {InstanceMode::fresh, InstanceMode::reuse}) {
    auto again = [](InstancePool& pool) -> runtime::Task<std::string> {
      CO_TRY_OK(co_await call_text(pool, "count", "", soon()));
      auto trapped = co_await call_text(pool, "unreachable", "", soon());
      EXPECT_FALSE(trapped);
      co_return co_await call_text(pool, "count", "", soon());
    };
    auto answer = with_pool<std::string>(loaded(test_guest()), {.mode = mode}, again);
    EXPECT_EQ(answer.value_or("error"), std::string("\1\0\0\0\1\0\0\0", 8));
  }
}

TEST_F(Trap, OfAnExitNamesTheCode) {
  auto module = loaded(R"((module
    (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
    (memory (export "memory") 1)
    (func $leave (call $exit (i32.const 3)))
    (func (export "__guest_call") (param i32 i32) (result i32) (call $leave) (i32.const 1))))");
  EXPECT_TRUE(call(module, "Op", "")
                  .error()
                  .detail.starts_with("actor failed in Op: it exited with code 3; backtrace: "));
}

}  // namespace
}  // namespace trellis::engine
