// Goal: the builtin capabilities answer with the bytes of docs/protocol.md §2.10.
#include "host/builtins.h"

#include <gtest/gtest.h>

#include "codec/msgpack.h"

namespace trellis::host {
namespace {

Bytes range(std::uint64_t min, std::uint64_t max) {
  Bytes out;
  codec::MsgpackWriter writer(out);
  writer.map(2);
  writer.str("min");
  writer.uint(min);
  writer.str("max");
  writer.uint(max);
  return out;
}

TEST(Builtins, RandomInRangeIncludesBothEnds) {
  bool low = false, high = false;
  for (int i = 0; i < 200; ++i) {
    const auto bytes =
        call_builtin(kNumberGenContract, "NumberGen.RandomInRange", range(3, 4), "M");
    ASSERT_TRUE(bytes);
    codec::MsgpackReader reader(*bytes);
    const auto value = reader.uint();
    ASSERT_TRUE(value && *value >= 3 && *value <= 4);
    (*value == 3 ? low : high) = true;
  }
  EXPECT_TRUE(low && high);
}

TEST(Builtins, RandomInRangeTakesTheWholeRangeAndAPoint) {
  EXPECT_TRUE(
      call_builtin(kNumberGenContract, "NumberGen.RandomInRange", range(0, UINT32_MAX), "M"));
  const auto bytes = call_builtin(kNumberGenContract, "NumberGen.RandomInRange", range(7, 7), "M");
  EXPECT_EQ(*bytes, Bytes{7});
}

TEST(Builtins, GuidIsAHyphenatedUuid) {
  const auto bytes = call_builtin(kNumberGenContract, "NumberGen.GenerateGuid", {}, "M");
  ASSERT_TRUE(bytes);
  codec::MsgpackReader reader(*bytes);
  const auto text = reader.text();
  ASSERT_TRUE(text);
  EXPECT_EQ(text->size(), 36u);
  EXPECT_EQ((*text)[14], '4');
}

TEST(Builtins, LoggingAnswersNothing) {
  const Bytes entry{0x82, 0xa5, 'l', 'e', 'v', 'e',  'l', 0xa4, 'i', 'n', 'f', 'o',
                    0xa4, 't',  'e', 'x', 't', 0xa5, 'h', 'e',  'l', 'l', 'o'};
  const auto bytes = call_builtin(kLoggingContract, "Logging.WriteLog", entry, "MXYZ");
  ASSERT_TRUE(bytes);
  EXPECT_TRUE(bytes->empty());
}

TEST(Builtins, UnknownOperationsAndDamagedPayloadsAreErrors) {
  EXPECT_FALSE(call_builtin(kNumberGenContract, "NumberGen.Dice", {}, "M"));
  EXPECT_FALSE(call_builtin(kLoggingContract, "Logging.WriteLog", Bytes{0xc1}, "M"));
  EXPECT_FALSE(call_builtin(kNumberGenContract, "NumberGen.RandomInRange", {}, "M"));
}

}  // namespace
}  // namespace trellis::host
