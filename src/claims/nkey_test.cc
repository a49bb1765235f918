// Keys in text: the vectors of docs/protocol.md §11.2, and refusal of every damaged one.
#include "claims/nkey.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "claims/golden_test_input.h"
#include "codec/base32.h"

namespace trellis::claims {
namespace {

struct Golden {
  KeyType type;
  const char* public_key;
  const char* seed;
};

const Golden kGolden[] = {
    {KeyType::server, "NAB2CB576PHBBPQ5ODORRZ2LYCMWPZGWGCN2KDK7DXOIMZASKUY3RSWB",
     "SNAAAAICAMCAKBQHBAEQUCYMBUHA6EARCIJRIFIWC4MBSGQ3DQOR4H2D5U"},
    {KeyType::cluster, "CAB2CB576PHBBPQ5ODORRZ2LYCMWPZGWGCN2KDK7DXOIMZASKUY3R53J",
     "SCAAAAICAMCAKBQHBAEQUCYMBUHA6EARCIJRIFIWC4MBSGQ3DQOR4HYO7Q"},
    {KeyType::operator_, "OAB2CB576PHBBPQ5ODORRZ2LYCMWPZGWGCN2KDK7DXOIMZASKUY3QZVT",
     "SOAAAAICAMCAKBQHBAEQUCYMBUHA6EARCIJRIFIWC4MBSGQ3DQOR4H2AJA"},
    {KeyType::account, "AAB2CB576PHBBPQ5ODORRZ2LYCMWPZGWGCN2KDK7DXOIMZASKUY3QPZV",
     "SAAAAAICAMCAKBQHBAEQUCYMBUHA6EARCIJRIFIWC4MBSGQ3DQOR4HYMHI"},
    {KeyType::user, "UAB2CB576PHBBPQ5ODORRZ2LYCMWPZGWGCN2KDK7DXOIMZASKUY3RLKK",
     "SUAAAAICAMCAKBQHBAEQUCYMBUHA6EARCIJRIFIWC4MBSGQ3DQOR4H776Y"},
    {KeyType::module, "MAB2CB576PHBBPQ5ODORRZ2LYCMWPZGWGCN2KDK7DXOIMZASKUY3RLXP",
     "SMAAAAICAMCAKBQHBAEQUCYMBUHA6EARCIJRIFIWC4MBSGQ3DQOR4H2CRY"},
    {KeyType::service, "VAB2CB576PHBBPQ5ODORRZ2LYCMWPZGWGCN2KDK7DXOIMZASKUY3RSLE",
     "SVAAAAICAMCAKBQHBAEQUCYMBUHA6EARCIJRIFIWC4MBSGQ3DQOR4H76SU"},
};

class GoldenKey : public testing::TestWithParam<Golden> {};

TEST_P(GoldenKey, HasItsTexts) {
  const KeyPair pair = golden::key(GetParam().type);
  EXPECT_EQ(pair.public_key(), GetParam().public_key);
  EXPECT_EQ(pair.seed(), GetParam().seed);
  EXPECT_EQ(key_type_of(GetParam().public_key).value(), GetParam().type);
  const KeyPair again = KeyPair::from_seed(GetParam().seed).value();
  EXPECT_EQ(again.type(), GetParam().type);
  EXPECT_EQ(again.public_key(), GetParam().public_key);
}

TEST_P(GoldenKey, IsRefusedWithAnyCharacterChanged) {
  for (std::string text : {std::string(GetParam().public_key), std::string(GetParam().seed)}) {
    for (char& c : text) {
      const char kept = c;
      for (const char other : {'A', 'Z', '2', '7', 'a', '0', '='}) {
        if (other == kept) continue;
        c = other;
        EXPECT_FALSE(PublicKey::parse(text)) << text;
        EXPECT_FALSE(KeyPair::from_seed(text)) << text;
      }
      c = kept;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Protocol, GoldenKey, testing::ValuesIn(kGolden), [](const auto& tested) {
  return std::string(1, static_cast<char>(tested.param.type));
});

TEST(PublicKey, IsPrefixKeyAndChecksumLowByteFirst) {
  const Bytes raw = codec::base32_decode(kGolden[0].public_key).value();
  EXPECT_EQ(raw.front(), 0x68);
  EXPECT_EQ(raw[33], 0xca);
  EXPECT_EQ(raw[34], 0xc1);
}

TEST(PublicKey, SaysWhatIsWrong) {
  EXPECT_EQ(PublicKey::parse("NABC").error().detail,
            "the key should be 56 characters, but was 4 characters");
  EXPECT_EQ(PublicKey::parse(kGolden[6].public_key, KeyType::module).error().detail,
            "found the prefix \"V\", but expected \"M\"");
  EXPECT_FALSE(PublicKey::parse(kGolden[0].seed)) << "a seed is no public key";
  std::string wrong = kGolden[0].public_key;
  wrong.back() = 'C';
  EXPECT_NE(PublicKey::parse(wrong).error().detail.find("checksum"), std::string::npos);
}

TEST(KeyPair, NeverPutsASeedInAnError) {
  std::string seed = kGolden[0].seed;
  seed[20] = seed[20] == 'A' ? 'B' : 'A';
  EXPECT_EQ(KeyPair::from_seed(seed).error().describe().find(seed.substr(4, 8)), std::string::npos);
}

TEST(KeyPair, RefusesAPublicKeyAsSeed) {
  EXPECT_FALSE(KeyPair::from_seed(kGolden[0].public_key));
  EXPECT_FALSE(KeyPair::from_raw_seed(KeyType::user, Bytes(31)));
}

TEST(KeyPair, IsNewEachTime) {
  const KeyPair a = KeyPair::generate(KeyType::account);
  const KeyPair b = KeyPair::generate(KeyType::account);
  EXPECT_NE(a.public_key(), b.public_key());
  EXPECT_EQ(KeyPair::from_seed(a.seed()).value().public_key(), a.public_key());
}

TEST(KeyPair, SignsAfterItIsCopiedAndMoved) {
  KeyPair original = golden::key(KeyType::cluster);
  const KeyPair copy = original;
  KeyPair moved = std::move(original);
  KeyPair assigned = KeyPair::generate(KeyType::user);
  assigned = std::move(moved);
  const PublicKey key = PublicKey::parse(copy.public_key()).value();
  EXPECT_TRUE(key.verify(as_bytes("m"), copy.sign(as_bytes("m"))));
  EXPECT_EQ(copy.sign(as_bytes("m")), assigned.sign(as_bytes("m")));
}

RC_GTEST_PROP(Signature, HoldsForItsMessageOnly, (const Bytes& message, std::uint16_t flip)) {
  const KeyPair pair = golden::key(KeyType::module);
  const PublicKey key = PublicKey::parse(pair.public_key()).value();
  Signature signature = pair.sign(message);
  RC_ASSERT(key.verify(message, signature));
  Bytes other = message;
  other.push_back(0);
  RC_ASSERT(!key.verify(other, signature));
  signature[flip / 8 % 64] ^= static_cast<std::uint8_t>(1U << flip % 8);
  RC_ASSERT(!key.verify(message, signature));
}

}  // namespace
}  // namespace trellis::claims
