// Tokens: the golden ones of docs/protocol.md §11.3 byte for byte, and refusal of every forged one.
#include "claims/jwt.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "claims/golden_test_input.h"
#include "codec/base64.h"
#include "codec/json.h"

namespace trellis::claims {
namespace {

Jwt invocation() {
  Jwt jwt;
  jwt.jti = golden::kJti;
  jwt.iat = golden::kIssuedAt;
  jwt.sub = "4f0f1bd4-5b5c-4b3a-9a5e-2f5f3a1c0d11";
  jwt.wascap = {
      {"target_url",
       "wasmbus://wasmcloud/keyvalue/default/"
       "VAB2CB576PHBBPQ5ODORRZ2LYCMWPZGWGCN2KDK7DXOIMZASKUY3RSLE/KeyValue.Get"},
      {"origin_url", "wasmbus://MAB2CB576PHBBPQ5ODORRZ2LYCMWPZGWGCN2KDK7DXOIMZASKUY3RLXP"},
      {"hash", "0FDE421001254688271279CBA2334A36F1F3FE40A194C81846E042C389A9A718"}};
  return jwt;
}

std::string token_of(std::string_view header, std::string_view payload, const KeyPair& key) {
  std::string token = codec::base64_encode(as_bytes(header), codec::Base64::url) + "." +
                      codec::base64_encode(as_bytes(payload), codec::Base64::url);
  const Signature signature = key.sign(as_bytes(token));
  return token + "." + codec::base64_encode(signature, codec::Base64::url);
}

std::string payload_of(std::string_view token) {
  const std::size_t first = token.find('.');
  const auto part = token.substr(first + 1, token.find('.', first + 1) - first - 1);
  return std::string(as_text(codec::base64_decode(part, codec::Base64::url).value()));
}

constexpr std::string_view kHeader = R"({"typ":"jwt","alg":"Ed25519"})";

TEST(Jwt, OfAnInvocationIsTheGoldenOne) {
  const std::string token = sign_jwt(invocation(), golden::key(KeyType::cluster));
  EXPECT_EQ(token, golden::testdata("invocation.jwt"));
  EXPECT_EQ(payload_of(token), golden::testdata("invocation_payload.json"));
}

TEST(Jwt, GoldenTokensVerifyAndComeBack) {
  for (const char* file : {"actor.jwt", "provider.jwt", "invocation.jwt"}) {
    const std::string token = golden::testdata(file);
    const auto jwt = verify_jwt(token);
    ASSERT_TRUE(jwt) << file << ": " << jwt.error().describe();
    EXPECT_EQ(jwt->jti, golden::kJti);
    EXPECT_EQ(jwt->iat, golden::kIssuedAt);
    const KeyType signer = key_type_of(jwt->iss).value();
    EXPECT_EQ(sign_jwt(*jwt, golden::key(signer)), token);
  }
}

TEST(Jwt, KeepsTheOrderOfItsClaims) {
  Jwt jwt = invocation();
  jwt.exp = 5;
  jwt.nbf = 4;
  jwt.wascap = {{"z", 1}, {"a", 2}};
  jwt.wascap_revision = 3;
  const KeyPair key = golden::key(KeyType::cluster);
  EXPECT_EQ(payload_of(sign_jwt(jwt, key)),
            R"({"exp":5,"jti":"AAAAAAAAAAAAAAAAAAAAAA","iat":1669593600,"iss":")" +
                key.public_key() +
                R"(","sub":"4f0f1bd4-5b5c-4b3a-9a5e-2f5f3a1c0d11","nbf":4,)"
                R"("wascap":{"z":1,"a":2},"wascap_revision":3})");
}

TEST(Jwt, IsRefusedWithAnyCharacterChanged) {
  std::string token = golden::testdata("invocation.jwt");
  for (char& c : token) {
    const char kept = c;
    c = kept == 'A' ? 'B' : 'A';
    EXPECT_FALSE(verify_jwt(token));
    c = '\n';
    EXPECT_FALSE(verify_jwt(token));
    c = kept;
  }
  EXPECT_TRUE(verify_jwt(token));
}

TEST(Jwt, IsRefusedWhenCutShortAnywhere) {
  const std::string token = golden::testdata("actor.jwt");
  for (std::size_t size = 0; size < token.size(); ++size) {
    EXPECT_FALSE(verify_jwt(std::string_view(token).substr(0, size))) << size;
  }
  EXPECT_FALSE(verify_jwt(token + "."));
  EXPECT_FALSE(verify_jwt(token + "="));
}

TEST(Jwt, AcceptsNoOtherAlgorithm) {
  const KeyPair key = golden::key(KeyType::account);
  const std::string payload = golden::testdata("actor_payload.json");
  EXPECT_TRUE(verify_jwt(token_of(kHeader, payload, key)));
  EXPECT_TRUE(verify_jwt(token_of(R"({"alg":"Ed25519","typ":"jwt"})", payload, key)));
  for (const char* header : {R"({"typ":"jwt","alg":"none"})", R"({"typ":"JWT","alg":"Ed25519"})",
                             R"({"typ":"jwt","alg":"ed25519"})", R"({"typ":"jwt"})", "{}", "[]", "",
                             R"({"typ":"jwt","alg":["Ed25519"]})"}) {
    EXPECT_FALSE(verify_jwt(token_of(header, payload, key))) << header;
  }
}

TEST(Jwt, AcceptsNoOtherSigner) {
  const std::string payload = golden::testdata("actor_payload.json");
  const auto forged = verify_jwt(token_of(kHeader, payload, KeyPair::generate(KeyType::account)));
  EXPECT_EQ(forged.error().code, Errc::unauthenticated);
}

TEST(Jwt, RefusesAPayloadThatIsNotOne) {
  const KeyPair key = golden::key(KeyType::account);
  const std::string iss = R"("iss":")" + key.public_key() + "\"";
  EXPECT_TRUE(verify_jwt(token_of(kHeader, "{" + iss + R"(,"sub":"x"})", key)));
  for (const std::string& payload :
       {std::string("{}"), std::string("[]"), std::string("{"), "{" + iss + "}",
        "{" + iss + R"(,"sub":""})", std::string(R"({"iss":"","sub":"x"})"),
        std::string(R"({"iss":"x","sub":"x"})"), "{" + iss + R"(,"sub":"x","exp":"never"})",
        "{" + iss + R"(,"sub":"x","exp":-1})", "{" + iss + R"(,"sub":"x","nbf":1.5})",
        "{" + iss + R"(,"sub":3})", "{" + iss + R"(,"sub":"x","wascap":[]})"}) {
    EXPECT_FALSE(verify_jwt(token_of(kHeader, payload, key))) << payload;
  }
}

TEST(Jwt, BoundsItsSize) {
  Jwt jwt = invocation();
  jwt.sub = std::string(70'000, 'x');
  EXPECT_FALSE(decode_jwt(sign_jwt(jwt, golden::key(KeyType::cluster))));
}

// docs/protocol.md §5.2: invalid when exp < now, and while now < nbf, with some leeway for clocks.
TEST(JwtState, ChangesRightAtItsTimes) {
  Jwt jwt = invocation();
  EXPECT_EQ(state_at(jwt, UINT64_MAX), JwtState::valid);
  jwt.nbf = 100;
  jwt.exp = 200;
  EXPECT_EQ(state_at(jwt, 100 - kClockLeeway - 1), JwtState::not_yet_valid);
  EXPECT_EQ(state_at(jwt, 100 - kClockLeeway), JwtState::valid);
  EXPECT_EQ(state_at(jwt, 200 + kClockLeeway), JwtState::valid);
  EXPECT_EQ(state_at(jwt, 200 + kClockLeeway + 1), JwtState::expired);
  jwt.exp = UINT64_MAX;
  EXPECT_EQ(state_at(jwt, UINT64_MAX), JwtState::valid);
  jwt.nbf = UINT64_MAX;
  EXPECT_EQ(state_at(jwt, 0), JwtState::not_yet_valid);
}

TEST(NewJti, Is22LettersAndDigitsAndNew) {
  EXPECT_NE(new_jti(), new_jti());
  const std::string jti = new_jti();
  EXPECT_EQ(jti.size(), 22U);
  for (const char c : jti) EXPECT_TRUE(std::isalnum(static_cast<unsigned char>(c)));
}

RC_GTEST_PROP(Jwt, NeverVerifiesArbitraryText, (const std::string& text)) {
  RC_ASSERT(!verify_jwt(text));
  RC_ASSERT(!verify_jwt(golden::testdata("invocation.jwt") + text + "x"));
}

}  // namespace
}  // namespace trellis::claims
