#include "codec/utf8.h"

#include <gtest/gtest.h>

namespace trellis::codec {
namespace {

TEST(Utf8, AcceptsEveryLengthAndTheLimitsOfEach) {
  for (const char* good : {"", "a", "\x7f", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80", "\xed\x9f\xbf",
                           "\xee\x80\x80", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf"}) {
    EXPECT_TRUE(is_utf8(good));
    EXPECT_EQ(utf8_lossy(good), good);
  }
}

TEST(Utf8, RefusesOverlongSurrogatesAndStrayBytes) {
  for (const char* bad : {"\x80", "\xc0\x80", "\xc1\xbf", "\xe0\x9f\xbf", "\xed\xa0\x80", "\xc3",
                          "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80", "\xff", "\xe2\x82"}) {
    EXPECT_FALSE(is_utf8(bad));
    EXPECT_TRUE(is_utf8(utf8_lossy(bad)));
  }
}

TEST(Utf8, ReplacesEachBrokenPieceOnce) {
  EXPECT_EQ(utf8_lossy("a\xc3(\xe2\x82z\xff"), "a\xef\xbf\xbd(\xef\xbf\xbdz\xef\xbf\xbd");
}

}  // namespace
}  // namespace trellis::codec
