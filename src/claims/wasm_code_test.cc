// Numbers of every kind of instruction, padded as linkers write them, come out in their shortest
// form; what is not code of 1.0 is left to the caller.
#include "claims/wasm_code.h"

#include <gtest/gtest.h>

#include "base/leb128.h"
#include "claims/golden_test_input.h"
#include "codec/hex_test_input.h"

namespace trellis::claims {
namespace {

Bytes code_of(std::initializer_list<Bytes> bodies) {
  Bytes out{static_cast<std::uint8_t>(bodies.size())};
  for (const Bytes& body : bodies) {
    append_leb128(out, static_cast<std::uint32_t>(body.size()));
    append(out, body);
  }
  return out;
}

Bytes shortest(const Bytes& code) { return with_shortest_numbers(code).value_or(Bytes{}); }

struct Case {
  const char* name;
  Bytes padded, shortest;
};

class Instruction : public testing::TestWithParam<Case> {};

TEST_P(Instruction, HasItsNumbersShort) {
  const auto body = [](Bytes instruction) {
    Bytes out{0};
    append(out, instruction);
    out.push_back(0x0b);
    return code_of({out});
  };
  EXPECT_EQ(shortest(body(GetParam().padded)), body(GetParam().shortest));
  EXPECT_EQ(shortest(body(GetParam().shortest)), body(GetParam().shortest));
}

INSTANTIATE_TEST_SUITE_P(
    All, Instruction,
    testing::Values(
        Case{"call", {0x10, 0x85, 0x80, 0x80, 0x80, 0x00}, {0x10, 0x05}},
        Case{"call_indirect", {0x11, 0x83, 0x80, 0x80, 0x80, 0x00, 0x00}, {0x11, 0x03, 0x00}},
        Case{"global_get", {0x23, 0x80, 0x80, 0x80, 0x80, 0x00}, {0x23, 0x00}},
        Case{"i32_const", {0x41, 0x80, 0x81, 0x80, 0x80, 0x00}, {0x41, 0x80, 0x01}},
        Case{"i32_const_negative", {0x41, 0xff, 0xff, 0xff, 0xff, 0x7f}, {0x41, 0x7f}},
        Case{"i32_const_sign_bit", {0x41, 0xc0, 0x80, 0x00}, {0x41, 0xc0, 0x00}},
        Case{"i32_const_least",
             {0x41, 0x80, 0x80, 0x80, 0x80, 0x78},
             {0x41, 0x80, 0x80, 0x80, 0x80, 0x78}},
        Case{"i64_const_negative",
             {0x42, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f},
             {0x42, 0x7f}},
        Case{"i64_const_least",
             {0x42, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x7f},
             {0x42, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x7f}},
        Case{"load", {0x28, 0x82, 0x00, 0x90, 0x80, 0x80, 0x80, 0x00}, {0x28, 0x02, 0x10}},
        Case{"br_table",
             {0x0e, 0x82, 0x00, 0x80, 0x00, 0x01, 0x82, 0x00},
             {0x0e, 0x02, 0x00, 0x01, 0x02}},
        // Bytes that look like padded numbers and are none.
        Case{"f32_const", {0x43, 0x80, 0x80, 0x80, 0x00}, {0x43, 0x80, 0x80, 0x80, 0x00}},
        Case{"f64_const",
             {0x44, 0x80, 0, 0, 0, 0, 0, 0x80, 0},
             {0x44, 0x80, 0, 0, 0, 0, 0, 0x80, 0}},
        Case{"block", {0x02, 0x7f, 0x0b}, {0x02, 0x7f, 0x0b}},
        Case{"memory_grow", {0x40, 0x00}, {0x40, 0x00}},
        Case{"arithmetic", {0x6a, 0xbf, 0x45}, {0x6a, 0xbf, 0x45}}),
    [](const auto& info) { return info.param.name; });

TEST(WithShortestNumbers, CountsBodiesAndLocalsAnew) {
  const Bytes padded{0x82, 0x00,  // two bodies
                     0x88, 0x00, 0x81, 0x00, 0x83,
                     0x80, 0x00, 0x7f, 0x01, 0x0b,  // 3 locals of i32; nop
                     0x02, 0x00, 0x0b};
  EXPECT_EQ(shortest(padded), code_of({{0x01, 0x03, 0x7f, 0x01, 0x0b}, {0x00, 0x0b}}));
}

// What parity-wasm 0.42, the library of 2022's tools, makes of what LLVM's linker wrote.
TEST(WithShortestNumbers, IsWhatTheToolsOf2022Write) {
  const auto code_in = [](const char* name) {
    const Bytes file = codec::from_hex(golden::testdata(name));
    BytesView rest = BytesView(file).subspan(8);
    for (;;) {
      const std::uint8_t id = rest.front();
      rest = rest.subspan(1);
      const auto size = read_leb128<std::uint32_t>(rest).value();
      if (id == 10) return Bytes(rest.begin(), rest.begin() + size);
      rest = rest.subspan(size);
    }
  };
  EXPECT_NE(code_in("padded_module.hex"), code_in("shortest_module.hex"));
  EXPECT_EQ(shortest(code_in("padded_module.hex")), code_in("shortest_module.hex"));
}

// Read on as if it were of 1.0, these would have the bytes of a constant taken for instructions.
TEST(WithShortestNumbers, LeavesWhatIsNotOfTheFirstVersion) {
  const auto of = [](Bytes instruction) {
    Bytes body{0};
    append(body, instruction);
    append(body, Bytes{0x43, 0x80, 0x80, 0x00, 0x41, 0x1a, 0x0b});
    return code_of({body});
  };
  EXPECT_TRUE(with_shortest_numbers(of({0x02, 0x40, 0x0b})));
  EXPECT_FALSE(with_shortest_numbers(of({0x02, 0x90, 0x02, 0x0b})));  // a block of type 272
  EXPECT_FALSE(with_shortest_numbers(of({0x02, 0x05, 0x0b})));        // of type 5
  EXPECT_FALSE(with_shortest_numbers(of({0x11, 0x00, 0x01})));        // the second table
  EXPECT_FALSE(with_shortest_numbers(of({0x3f, 0x01})));              // the second memory
  EXPECT_FALSE(with_shortest_numbers(of({0x28, 0x42, 0x01, 0x00})));  // likewise, in a load
  EXPECT_FALSE(
      with_shortest_numbers(code_of({{0x01, 0x01, 0x7b, 0x0b}})));  // a vector among the locals
}

TEST(WithShortestNumbers, LeavesWhatItDoesNotKnow) {
  EXPECT_FALSE(
      with_shortest_numbers(code_of({{0x00, 0xfc, 0x0a, 0x00, 0x00, 0x0b}})));  // memory.copy
  EXPECT_FALSE(with_shortest_numbers(code_of({{0x00, 0xc0, 0x0b}})));           // i32.extend8_s
}

TEST(WithShortestNumbers, LeavesWhatIsDamaged) {
  const Bytes whole =
      code_of({{0x01, 0x03, 0x7f, 0x41, 0x80, 0x01, 0x1a, 0x0e, 0x01, 0x00, 0x00, 0x0b}});
  ASSERT_TRUE(with_shortest_numbers(whole));
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_FALSE(with_shortest_numbers(BytesView(whole).first(size))) << size;
  }
  EXPECT_FALSE(with_shortest_numbers(
      code_of({{0x00, 0x0e, 0xff, 0xff, 0xff, 0xff, 0x0f}})));  // labels without end
  EXPECT_FALSE(
      with_shortest_numbers(code_of({{0x00, 0x10, 0xff, 0xff, 0xff, 0xff, 0x1f}})));  // 33 bits
  EXPECT_FALSE(with_shortest_numbers(
      code_of({{0x00, 0x41, 0xff, 0xff, 0xff, 0xff, 0x0f}})));  // likewise, signed
}

}  // namespace
}  // namespace trellis::claims
