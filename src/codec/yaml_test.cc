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

}  // namespace
}  // namespace trellis::codec
