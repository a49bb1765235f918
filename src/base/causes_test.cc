// Goal: a chain of causes reads well and can be taken apart again.
#include "base/causes.h"

#include <gtest/gtest.h>

namespace trellis {
namespace {

TEST(Causes, OneStandsAlone) {
  EXPECT_EQ(with_cause("outer", "inner"), "outer\n\nCaused by:\n    inner");
}

TEST(Causes, SeveralAreNumbered) {
  std::string text = with_cause("a", with_cause("b", "c"));
  EXPECT_EQ(text, "a\n\nCaused by:\n    0: b\n    1: c");
  EXPECT_EQ(split_causes(text), (std::vector<std::string>{"a", "b", "c"}));
  EXPECT_EQ(with_cause("x", text), "x\n\nCaused by:\n    0: a\n    1: b\n    2: c");
}

TEST(Causes, OfSeveralLinesStayTogether) {
  std::string text = with_cause("the host did not start", "line 1\nline 2");
  EXPECT_EQ(text, "the host did not start\n\nCaused by:\n    line 1\n    line 2");
  EXPECT_EQ(split_causes(text),
            (std::vector<std::string>{"the host did not start", "line 1\nline 2"}));
}

TEST(Causes, OfSeveralLinesStayTogetherWhenNumbered) {
  std::string text = with_cause("a", with_cause("b", "line 1\nline 2"));
  EXPECT_EQ(split_causes(text), (std::vector<std::string>{"a", "b", "line 1\nline 2"}));
}

TEST(Causes, NoneLeavesTheMessage) { EXPECT_EQ(with_cause("a", ""), "a"); }

}  // namespace
}  // namespace trellis
