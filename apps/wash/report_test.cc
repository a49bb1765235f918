#include "report.h"

#include <gtest/gtest.h>

#include "base/causes.h"

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

}  // namespace
}  // namespace trellis::wash
