// Goal: link values mean the same in any case, and slips of the pen are told.
#include "capability/link_values.h"

#include <gtest/gtest.h>

#include "base/bytes.h"
#include "codec/base64.h"

namespace trellis::capability {
namespace {

lattice::Link link_with(std::map<std::string, std::string> values) {
  lattice::Link link;
  link.values = std::move(values);
  return link;
}

std::string refusal(std::map<std::string, std::string> values) {
  const auto read = LinkValues::read(link_with(std::move(values)));
  return read ? "accepted" : read.error().detail;
}

TEST(LinkValues, KeysAreFoundInAnyCase) {
  const auto values = LinkValues::read(link_with({{"Url", "redis://h"}}));
  ASSERT_TRUE(values);
  ASSERT_NE(values->find("url"), nullptr);
  EXPECT_EQ(*values->find("url"), "redis://h");
  EXPECT_EQ(values->find("uri"), nullptr);
  EXPECT_NE(refusal({{"URL", "a"}, {"url", "b"}}).find("given twice"), std::string::npos);
}

TEST(LinkValues, ReadsConfigurationOfEitherForm) {
  const auto plain = LinkValues::read(link_with({{"CONFIG_JSON", R"({"a":"1"})"}}));
  ASSERT_TRUE(plain);
  EXPECT_EQ(plain->config().at("a").as_string(), "1");
  const auto encoded = LinkValues::read(link_with(
      {{"config_json", "{}"},
       {"config_b64", codec::base64_encode(as_bytes(R"({"a":"2"})"), codec::Base64::standard)}}));
  ASSERT_TRUE(encoded);
  EXPECT_EQ(encoded->config().at("a").as_string(), "2");
  EXPECT_NE(refusal({{"config_b64", "%"}}).find("config_b64 is not base64"), std::string::npos);
  EXPECT_NE(refusal({{"config_json", "{"}}).find("config_json is not valid JSON"),
            std::string::npos);
  EXPECT_NE(refusal({{"config_json", "1"}}).find("must be a JSON object"), std::string::npos);
}

TEST(LinkValues, NamesWhatMeansNothing) {
  EXPECT_EQ(warning_about_unknown(link_with({{"url", ""}}), {"URL"}), "");
  const auto warning =
      warning_about_unknown(link_with({{"SUBSRIPTION", "a"}}), {"SUBSCRIPTION", "URI"});
  EXPECT_NE(warning.find("'SUBSRIPTION'"), std::string::npos);
  EXPECT_NE(warning.find("SUBSCRIPTION, URI"), std::string::npos);
}

TEST(LinkValues, ReadsTheConfigurationOfAProvider) {
  EXPECT_TRUE(provider_config("")->empty());
  EXPECT_TRUE(provider_config(" \n")->empty());
  EXPECT_EQ(provider_config(R"({"url":"redis://h"})")->at("url").as_string(), "redis://h");
  EXPECT_FALSE(provider_config("redis://h"));
}

TEST(LinkValues, SplitsAtCommas) {
  EXPECT_EQ(comma_list("a, b,,c ,"), (std::vector<std::string>{"a", "b", "c"}));
  EXPECT_TRUE(comma_list("").empty());
  EXPECT_TRUE(comma_list(" , ").empty());
}

TEST(LinkValues, ReadsListsOfTexts) {
  const auto object = *provider_config(R"({"a":["x","y"],"b":null,"c":"x","d":[1]})");
  EXPECT_EQ(*string_list(object, "a"), (std::vector<std::string>{"x", "y"}));
  EXPECT_TRUE(string_list(object, "b")->empty());
  EXPECT_TRUE(string_list(object, "e")->empty());
  EXPECT_FALSE(string_list(object, "c"));
  EXPECT_FALSE(string_list(object, "d"));
}

}  // namespace
}  // namespace trellis::capability
