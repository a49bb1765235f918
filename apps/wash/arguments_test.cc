#include "arguments.h"

#include <gtest/gtest.h>

#include "claims/nkey.h"

namespace trellis::wash {
namespace {

constexpr const char* kActor = "MBCFOPM6JW2APJLXJD3Z5O4CN7CPYJ2B4FTKLJUR5YR5MITIU7HD3WD5";

TEST(KeyMistake, PassesAWholeKey) {
  EXPECT_EQ(key_mistake(kActor, "M"), "");
  EXPECT_EQ(key_mistake(claims::KeyPair::generate(claims::KeyType::cluster).seed(), "SC"), "");
}

TEST(KeyMistake, HasTheTextsOf2022) {
  EXPECT_EQ(key_mistake("NABC", "N"), "the key should be 56 characters, but was 4 characters");
  EXPECT_EQ(key_mistake("VAG3QITQQ2ODAOWB5TTQSDJ53XK3SHBEIFNK4AYJ5RKAX2UNSCAPHA5M", "M"),
            "found the prefix \"V\", but expected \"M\"");
  EXPECT_EQ(key_mistake("SC", "SC"), "the key should be 58 characters, but was 2 characters");
}

TEST(KeyMistake, FindsAChangedCharacter) {
  std::string damaged = kActor;
  damaged[20] = damaged[20] == 'A' ? 'B' : 'A';
  EXPECT_NE(key_mistake(damaged, "M").find("checksum"), std::string::npos);
}

TEST(Pairs, SplitAtTheFirstEquals) {
  Result<control::StringMap> pairs = parse_pairs({"config_b64=eyJhIjoxfQ==", "empty="});
  ASSERT_TRUE(pairs);
  EXPECT_EQ(pairs->at("config_b64"), "eyJhIjoxfQ==");
  EXPECT_EQ(pairs->at("empty"), "");
}

TEST(Pairs, NeedAnEquals) {
  Result<control::StringMap> pairs = parse_pairs({"PORT"});
  ASSERT_FALSE(pairs);
  EXPECT_EQ(pairs.error().detail,
            "Constraints were not properly formatted. Ensure they are formatted as label=value "
            "(found 'PORT')");
}

TEST(ContractCheck, RefusesAKey) {
  EXPECT_TRUE(check_contract("wasmcloud:httpserver"));
  EXPECT_FALSE(check_contract(kActor));
}

}  // namespace
}  // namespace trellis::wash
