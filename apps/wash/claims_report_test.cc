// `wash claims inspect` as scripts of 2022 read it (text with its padding, JSON with its types).
#include "claims_report.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "codec/json.h"

namespace trellis::wash {
namespace {

constexpr std::uint64_t kNow = 1669593600;

claims::ActorClaims echo() {
  claims::ActorClaims claims;
  claims.issuer = "ACOJJN6WUP4ODD75XEBKKTCCUJJCY5ZKQ56XVKYK4BEJWGVAOOQHZMCW";
  claims.subject = "MBCFOPM6JW2APJLXJD3Z5O4CN7CPYJ2B4FTKLJUR5YR5MITIU7HD3WD5";
  claims.name = "Echo";
  claims.caps = {"wasmcloud:httpserver", "wasmcloud:builtin:logging"};
  claims.rev = 4;
  claims.ver = "0.3.4";
  return claims;
}

// The lines without the blanks around them.
std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t end = text.find('\n', at);
    std::string line = text.substr(at, end - at);
    line.erase(line.find_last_not_of(' ') + 1);
    line.erase(0, line.find_first_not_of(' '));
    if (!line.empty()) lines.push_back(line);
    at = end + 1;
  }
  return lines;
}

TEST(InspectedClaimsTable, HasItsRowsInOrder) {
  const auto lines = lines_of(claims_table(echo(), kNow));
  ASSERT_EQ(lines.size(), 12U);
  EXPECT_EQ(lines[0], "Echo - Module");
  EXPECT_TRUE(lines[1].starts_with("Account  ") && lines[1].ends_with(echo().issuer));
  EXPECT_TRUE(lines[2].starts_with("Module  ") && lines[2].ends_with(echo().subject));
  EXPECT_TRUE(lines[3].starts_with("Expires  ") && lines[3].ends_with("  never"));
  EXPECT_TRUE(lines[4].starts_with("Can Be Used  ") && lines[4].ends_with("  immediately"));
  EXPECT_TRUE(lines[5].starts_with("Version  ") && lines[5].ends_with("  0.3.4 (4)"));
  EXPECT_TRUE(lines[6].starts_with("Call Alias  ") && lines[6].ends_with("  (Not set)"));
  EXPECT_EQ(lines[7], "Capabilities");
  EXPECT_EQ(lines[8], "HTTP Server");
  EXPECT_EQ(lines[9], "Logging");
  EXPECT_EQ(lines[10], "Tags");
  EXPECT_EQ(lines[11], "None");
}

TEST(InspectedClaimsTable, AlignsValuesToTheRight) {
  const std::string table = claims_table(echo(), kNow);
  const std::size_t width = table.find('\n');
  for (std::size_t at = 0; at < table.size(); at += width + 1)
    EXPECT_EQ(table.find('\n', at), at + width) << "every line is as wide as the first";
  const std::size_t account = table.find(echo().issuer) % (width + 1);
  const std::size_t never = table.find("never") % (width + 1);
  EXPECT_EQ(account + echo().issuer.size(), never + 5);
}

TEST(InspectedClaimsTable, NamesAProviderAndItsTags) {
  claims::ActorClaims claims = echo();
  claims.provider = true;
  claims.tags = {"a", "b"};
  claims.call_alias = "my_alias";
  claims.validity = {.expires = kNow - 8 * 3600, .not_before = kNow + 2 * 86400};
  const auto lines = lines_of(claims_table(claims, kNow));
  EXPECT_TRUE(lines[3].ends_with("8h ago"));
  EXPECT_TRUE(lines[4].ends_with("in 2days"));
  EXPECT_TRUE(lines[6].ends_with("my_alias"));
  EXPECT_EQ(lines[7], "Capability Provider");
  EXPECT_EQ(lines.back(), "a,b");
  const auto json = claims_json(claims, kNow);
  EXPECT_TRUE(json.contains("capability_provider"));
  EXPECT_FALSE(json.contains("capabilities"));
}

TEST(InspectedClaimsTable, KeepsTheRowOfNoCapabilities) {
  claims::ActorClaims some = echo(), none = echo();
  some.caps.resize(1);
  none.caps.clear();
  const auto rows = [](const std::string& table) { return std::ranges::count(table, '\n'); };
  EXPECT_EQ(rows(claims_table(none, kNow)), rows(claims_table(some, kNow)));
}

TEST(InspectedClaimsJson, HasTheTypesOf2022) {
  EXPECT_EQ(
      codec::json_write(claims_json(echo(), kNow)),
      R"~({"account":"ACOJJN6WUP4ODD75XEBKKTCCUJJCY5ZKQ56XVKYK4BEJWGVAOOQHZMCW",)~"
      R"~("module":"MBCFOPM6JW2APJLXJD3Z5O4CN7CPYJ2B4FTKLJUR5YR5MITIU7HD3WD5",)~"
      R"~("expires":"never","can_be_used":"immediately","version":"0.3.4","revision":4,)~"
      R"~("capabilities":["HTTP Server","Logging"],"tags":"None","call_alias":"(Not set)"})~");
}

}  // namespace
}  // namespace trellis::wash
