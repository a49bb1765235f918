#include "codec/yaml.h"

#include <gtest/gtest.h>

#include <string>

namespace trellis::codec {
namespace {

TEST(Yaml, NamesTheLineOfAMistake) {
  Result<boost::json::value> value = parse_yaml("a: 1\nb: [1, 2\n");
  ASSERT_FALSE(value);
  EXPECT_EQ(value.error().detail.substr(0, 4), "line");
}

TEST(Yaml, RefusesWhatGoesOnForEver) {
  EXPECT_FALSE(parse_yaml("a: &x [*x]"));
  EXPECT_FALSE(parse_yaml(std::string(1000, '[')));
}

TEST(Yaml, TellsWhereEachValueBegins) {
  YamlLines lines;
  ASSERT_TRUE(parse_yaml("a:\n  - x\n  - b: 1\n    c:\n      d: 2\ne: 3\n", &lines));
  EXPECT_EQ(lines["/a/0"], 2u);
  EXPECT_EQ(lines["/a/1"], 3u);
  EXPECT_EQ(lines["/a/1/c/d"], 5u);
  EXPECT_EQ(lines["/e"], 6u);
}

}  // namespace
}  // namespace trellis::codec
