// Every number comes back from its shortest form and from a padded one; what does not fit is
// refused.
#include "base/leb128.h"

#include <gtest/gtest.h>

#include <limits>

namespace trellis {
namespace {

template <class Number>
std::optional<Number> read(Bytes bytes) {
  BytesView from = bytes;
  const auto number = read_leb128<Number>(from);
  if (number && !from.empty()) return {};  // something was left
  return number;
}

template <class Number>
class Leb128 : public testing::Test {};
using Numbers = testing::Types<std::uint32_t, std::int32_t, std::int64_t>;
TYPED_TEST_SUITE(Leb128, Numbers);

TYPED_TEST(Leb128, NumbersComeBack) {
  using Limits = std::numeric_limits<TypeParam>;
  std::vector<TypeParam> numbers{
      0, 1, 63, 64, 127, 128, Limits::min(), Limits::max(), Limits::max() / 2 + 1};
  if (Limits::is_signed)
    numbers.insert(numbers.end(), {TypeParam(-1), TypeParam(-64), TypeParam(-65), TypeParam(-128)});
  const std::size_t longest = sizeof(TypeParam) == 4 ? 5 : 10;
  for (const auto number : numbers) {
    Bytes bytes;
    append_leb128(bytes, number);
    EXPECT_EQ(read<TypeParam>(bytes), number);
    while (bytes.size() < longest) {  // one byte longer, with more of the sign
      const bool negative = Limits::is_signed && (bytes.back() & 0x40) != 0;
      bytes.back() |= 0x80;
      bytes.push_back(negative ? 0x7f : 0);
      EXPECT_EQ(read<TypeParam>(bytes), number) << bytes.size();
    }
    bytes.back() |= 0x80;
    bytes.push_back(0);
    EXPECT_FALSE(read<TypeParam>(bytes)) << "longer than any may be";
  }
  EXPECT_FALSE(read<TypeParam>({}));
  EXPECT_FALSE(read<TypeParam>({0x80, 0x80}));
}

TEST(Leb128, WhatDoesNotFitIsRefused) {
  EXPECT_FALSE(read<std::uint32_t>({0xff, 0xff, 0xff, 0xff, 0x1f}));
  EXPECT_EQ(read<std::uint32_t>({0xff, 0xff, 0xff, 0xff, 0x0f}), 0xffffffffU);
  EXPECT_FALSE(read<std::int32_t>({0xff, 0xff, 0xff, 0xff, 0x0f}));
  EXPECT_FALSE(read<std::int32_t>({0x80, 0x80, 0x80, 0x80, 0x70}));
  const auto tenth = [](std::uint8_t last) {
    return read<std::int64_t>({0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, last});
  };
  EXPECT_EQ(tenth(0), 0);
  EXPECT_EQ(tenth(0x7f), std::numeric_limits<std::int64_t>::min());
  EXPECT_FALSE(tenth(1));
  EXPECT_FALSE(tenth(2));
}

}  // namespace
}  // namespace trellis
