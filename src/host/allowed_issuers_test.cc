// Goal: who is not listed is refused in words that say what to do; no list refuses nobody.
#include "host/allowed_issuers.h"

#include <gtest/gtest.h>

#include "claims/nkey.h"

namespace trellis::host {
namespace {

std::string new_key(claims::KeyType type) { return claims::KeyPair::generate(type).public_key(); }

TEST(AllowedIssuers, AnEmptyListAllowsEverybody) {
  EXPECT_TRUE(AllowedIssuers().check("actor M", "anybody"));
  auto none = AllowedIssuers::parse("LIST", {});
  ASSERT_TRUE(none);
  EXPECT_TRUE(none->check("actor M", "anybody"));
}

TEST(AllowedIssuers, ThoseListedMaySignAndNobodyElse) {
  const auto ours = new_key(claims::KeyType::account), partner = new_key(claims::KeyType::account),
             stranger = new_key(claims::KeyType::account);
  auto allowed = AllowedIssuers::parse("LIST", {ours, partner});
  ASSERT_TRUE(allowed);
  EXPECT_TRUE(allowed->check("actor M", ours));
  EXPECT_TRUE(allowed->check("actor M", partner));
  EXPECT_FALSE(allowed->check("actor M", ""));
  const auto refused = allowed->check("actor M (Echo)", stranger);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::denied);
  for (const auto& named : {std::string("actor M (Echo)"), stranger, std::string("LIST")})
    EXPECT_NE(refused.error().detail.find(named), std::string::npos) << named;
}

TEST(AllowedIssuers, OnlyAccountsCanBeListed) {
  for (const auto& wrong : {std::string("A"), new_key(claims::KeyType::module)}) {
    const auto parsed = AllowedIssuers::parse("LIST", {wrong});
    ASSERT_FALSE(parsed);
    EXPECT_EQ(parsed.error().code, Errc::invalid);
    EXPECT_TRUE(parsed.error().detail.starts_with("LIST: '" + wrong + "' is not an account key"))
        << parsed.error().detail;
  }
}

}  // namespace
}  // namespace trellis::host
