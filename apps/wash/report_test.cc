#include "report.h"

#include <gtest/gtest.h>

namespace trellis::wash {
namespace {

TEST(Report, SuccessIsAnEmptyLineAndTheText) { EXPECT_EQ(text_success("done"), "\ndone\n"); }

TEST(Report, JsonSuccessIsPrettyAndSaysSo) {
  EXPECT_EQ(json_success({{"result", "done"}}),
            "\n{\n  \"result\": \"done\",\n  \"success\": true\n}\n");
}

TEST(Report, NestedObjectsAreSorted) {
  EXPECT_EQ(json_success({{"z", boost::json::array{boost::json::object{{"b", 1}, {"a", 2}}}}}),
            "\n{\n  \"success\": true,\n  \"z\": [\n    {\n      \"a\": 2,\n      \"b\": 1\n    "
            "}\n  ]\n}\n");
}

TEST(Report, JsonErrorHasItsCausesInAList) {
  EXPECT_EQ(json_error("no"), "\n{\n  \"error\": \"no\",\n  \"success\": false\n}\n");
  EXPECT_EQ(json_error(with_cause("outer", "inner")),
            "\n{\n  \"error\": \"outer\",\n  \"error_chain\": [\n    \"inner\"\n  ],\n  "
            "\"success\": false\n}\n");
}

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
}  // namespace trellis::wash
