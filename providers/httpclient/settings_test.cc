// Goal: link values and configuration mean what docs/capabilities.md says, and mistakes are told.
#include "httpclient/settings.h"

#include <gtest/gtest.h>

#include "capability/link_values.h"

namespace trellis::httpclient {
namespace {

using namespace std::chrono_literals;
using Values = std::map<std::string, std::string>;

lattice::Link link_with(Values values) {
  lattice::Link link;
  link.values = std::move(values);
  return link;
}

Result<Settings> parsed(Values values, std::string_view defaults = "") {
  return parse_settings(capability::provider_config(defaults).value(),
                        link_with(std::move(values)));
}
std::string refusal(Values values) {
  const auto settings = parsed(std::move(values));
  return settings ? "accepted" : settings.error().detail;
}

TEST(HttpClientSettings, NothingGivenIsWhat2022Had) {
  const auto settings = parsed({});
  ASSERT_TRUE(settings);
  EXPECT_TRUE(settings->allow.empty());
  EXPECT_FALSE(settings->timeout);
  EXPECT_EQ(settings->redirects_max, 10u);
  EXPECT_EQ(settings->proxy, "");
}

TEST(HttpClientSettings, TheLinkWinsOverItsJsonOverTheConfiguration) {
  const auto all =
      R"({"allow":["a.test"],"timeout_ms":1,"max_redirects":1,"max_response_bytes":1})";
  auto settings = parsed({}, all);
  ASSERT_TRUE(settings) << settings.error().detail;
  EXPECT_EQ(settings->timeout, 1ms);
  EXPECT_TRUE(settings->allow.check_host("a.test", 80));
  EXPECT_FALSE(settings->allow.check_host("b.test", 80));
  settings =
      parsed({{"config_json", R"({"timeout_ms":2,"max_redirects":2})"}, {"TIMEOUT_MS", "3"}}, all);
  ASSERT_TRUE(settings) << settings.error().detail;
  EXPECT_EQ(settings->timeout, 3ms);
  EXPECT_EQ(settings->redirects_max, 2u);
  EXPECT_EQ(settings->answer_bytes_max, 1u);
  settings = parsed({{"Allow", "b.test, c.test"}}, all);
  ASSERT_TRUE(settings);
  EXPECT_TRUE(settings->allow.check_host("c.test", 80));
  EXPECT_FALSE(settings->allow.check_host("a.test", 80));
}

TEST(HttpClientSettings, MistakesAreNamed) {
  EXPECT_NE(refusal({{"timeout_ms", "0"}}).find("timeout_ms"), std::string::npos);
  EXPECT_NE(refusal({{"timeout_ms", "soon"}}).find("timeout_ms"), std::string::npos);
  EXPECT_NE(refusal({{"max_redirects", "51"}}).find("max_redirects"), std::string::npos);
  EXPECT_NE(refusal({{"max_response_bytes", "99999999999"}}).find("max_response_bytes"),
            std::string::npos);
  EXPECT_NE(refusal({{"allow", "http://x"}}).find("is a URL"), std::string::npos);
  EXPECT_NE(refusal({{"ca_file", "/nowhere.pem"}}).find("/nowhere.pem"), std::string::npos);
  EXPECT_NE(refusal({{"proxy", "nowhere"}}).find("proxy"), std::string::npos);
  EXPECT_NE(refusal({{"config_json", R"({"allow":"a.test"})"}}).find("allow"), std::string::npos);
}

TEST(HttpClientSettings, OddValuesAreWarnedAbout) {
  const auto warning = [](Values values) {
    const auto link = link_with(std::move(values));
    return oddities_of(parsed(link.values).value(), link);
  };
  EXPECT_EQ(warning({{"allow", "a.test"}}), "");
  EXPECT_NE(warning({{"allowed_hosts", "a.test"}}).find("'allowed_hosts'"), std::string::npos);
  EXPECT_NE(warning({{"allow", "10.0.0.0/8"}, {"proxy", "http://p:3128"}}).find("proxy"),
            std::string::npos);
}

}  // namespace
}  // namespace trellis::httpclient
