// Goal: a guest's words stay on one line and change nothing but that line.
#include "host/guest_text.h"

#include <gtest/gtest.h>

namespace trellis::host {
namespace {

TEST(GuestText, PlainWordsStayAsTheyAre) {
  EXPECT_EQ(as_log_line("3 factorial is 6 — fertig"), "3 factorial is 6 — fertig");
}

TEST(GuestText, LineEndsAndControlsAreShown) {
  EXPECT_EQ(as_log_line("a\n12:00 [error] b\x1b[2J\x7f"), "a\\n12:00 [error] b\\x1b[2J\\x7f");
}

TEST(GuestText, BytesThatAreNoUtf8AreShown) { EXPECT_EQ(as_log_line("\xff!"), "\\xff!"); }

}  // namespace
}  // namespace trellis::host
