// What tokens say of actors and providers (docs/protocol.md §5.2, §11.3), and in which words.
#include "claims/claims.h"

#include <gtest/gtest.h>

#include "claims/golden_test_input.h"
#include "codec/base64.h"

namespace trellis::claims {
namespace {

template <class Claims>
std::string golden_token(const Claims& claims, KeyType signer) {
  Jwt jwt = to_jwt(claims);
  jwt.jti = golden::kJti;
  return sign_jwt(jwt, golden::key(signer));
}

std::string payload_of(const std::string& token) {
  const std::size_t first = token.find('.');
  const auto part = token.substr(first + 1, token.find('.', first + 1) - first - 1);
  return std::string(as_text(codec::base64_decode(part, codec::Base64::url).value()));
}

TEST(ActorClaims, MakeTheGoldenToken) {
  const std::string token = golden_token(golden::actor(), KeyType::account);
  EXPECT_EQ(payload_of(token), golden::testdata("actor_payload.json"));
  EXPECT_EQ(token, golden::testdata("actor.jwt"));
}

TEST(ProviderClaims, MakeTheGoldenToken) {
  const std::string token = golden_token(golden::provider(), KeyType::account);
  EXPECT_EQ(payload_of(token), golden::testdata("provider_payload.json"));
  EXPECT_EQ(token, golden::testdata("provider.jwt"));
}

TEST(SignerClaims, MakeTheGoldenPayload) {
  SignerClaims claims;
  claims.subject = golden::key(KeyType::account).public_key();
  claims.issued_at = golden::kIssuedAt;
  claims.name = "Acct";
  std::string expected = golden::testdata("account_payload.json");
  expected.replace(expected.find("Oxx"), 3, golden::key(KeyType::operator_).public_key());
  EXPECT_EQ(payload_of(golden_token(claims, KeyType::operator_)), expected);
}

TEST(ActorClaims, ComeBackFromTheirToken) {
  ActorClaims sent = golden::actor();
  sent.validity = {.expires = 2'000'000'000, .not_before = 1};
  sent.tags = {"a", "b"};
  sent.provider = true;
  sent.module_hash = "AB";
  sent.wascap_revision = 3;
  const ActorClaims got =
      actor_claims(verify_jwt(golden_token(sent, KeyType::account)).value()).value();
  EXPECT_EQ(got.issuer, sent.issuer);
  EXPECT_EQ(got.subject, sent.subject);
  EXPECT_EQ(got.issued_at, sent.issued_at);
  EXPECT_EQ(got.validity.expires, sent.validity.expires);
  EXPECT_EQ(got.validity.not_before, sent.validity.not_before);
  EXPECT_EQ(got.name, sent.name);
  EXPECT_EQ(got.module_hash, sent.module_hash);
  EXPECT_EQ(got.tags, sent.tags);
  EXPECT_EQ(got.caps, sent.caps);
  EXPECT_EQ(got.rev, sent.rev);
  EXPECT_EQ(got.ver, sent.ver);
  EXPECT_EQ(got.call_alias, sent.call_alias);
  EXPECT_EQ(got.provider, sent.provider);
  EXPECT_EQ(got.wascap_revision, sent.wascap_revision);
  EXPECT_TRUE(got.has_capability("wasmcloud:httpserver"));
  EXPECT_FALSE(got.has_capability("wasmcloud:keyvalue"));
}

TEST(ProviderClaims, ComeBackFromTheirToken) {
  const ProviderClaims sent = golden::provider();
  const ProviderClaims got =
      provider_claims(verify_jwt(golden::testdata("provider.jwt")).value()).value();
  EXPECT_EQ(got.name, sent.name);
  EXPECT_EQ(got.contract_id, sent.contract_id);
  EXPECT_EQ(got.vendor, sent.vendor);
  EXPECT_EQ(got.rev, sent.rev);
  EXPECT_EQ(got.ver, sent.ver);
  EXPECT_EQ(got.target_hashes, sent.target_hashes);
}

TEST(Claims, WithAbsentMembersAreEmpty) {
  Jwt jwt = to_jwt(golden::actor());
  jwt.wascap = {{"hash", "AB"}, {"name", nullptr}, {"tags", nullptr}};
  const ActorClaims claims = actor_claims(jwt).value();
  EXPECT_EQ(claims.name, "");
  EXPECT_TRUE(claims.tags.empty());
  EXPECT_TRUE(claims.caps.empty());
  EXPECT_FALSE(claims.rev);
  EXPECT_FALSE(claims.call_alias);
}

TEST(Claims, RefuseKeysOfTheWrongKind) {
  const std::string module = golden::key(KeyType::module).public_key();
  const std::string server = golden::key(KeyType::server).public_key();
  ActorClaims claims = golden::actor();
  claims.issuer = module;
  EXPECT_FALSE(actor_claims(to_jwt(claims)));
  claims = golden::actor();
  claims.subject = server;
  EXPECT_NE(actor_claims(to_jwt(claims)).error().detail.find("expected \"M\""), std::string::npos);
  ProviderClaims provider = golden::provider();
  provider.subject = module;
  EXPECT_FALSE(provider_claims(to_jwt(provider)));
}

TEST(Claims, RefuseMembersOfTheWrongType) {
  using boost::json::object;
  for (const object& wascap :
       {object{}, object{{"hash", 1}}, object{{"hash", "A"}, {"caps", "x"}},
        object{{"hash", "A"}, {"tags", boost::json::array{1}}},
        object{{"hash", "A"}, {"rev", 4'000'000'000}}, object{{"hash", "A"}, {"prov", "no"}},
        object{{"hash", "A"}, {"name", 1}}}) {
    Jwt jwt = to_jwt(golden::actor());
    jwt.wascap = wascap;
    EXPECT_FALSE(actor_claims(jwt));
  }
  Jwt jwt = to_jwt(golden::provider());
  jwt.wascap["target_hashes"] = boost::json::array{1};
  EXPECT_FALSE(provider_claims(jwt));
}

// docs/protocol.md §5.2: rev if above 0, else iat as 32 bits.
TEST(Revision, IsTheTimeOfIssueWhenNoneIsGiven) {
  ActorClaims claims = golden::actor();
  EXPECT_EQ(claims.revision(), 4);
  using Rev = std::optional<std::int32_t>;
  for (const Rev rev : {Rev(), Rev(0), Rev(-3)}) {
    claims.rev = rev;
    EXPECT_EQ(claims.revision(), 1669593600);
  }
  claims.issued_at = 0x8000'0000;
  EXPECT_EQ(claims.revision(), INT32_MIN);
}

TEST(CallAlias, IsNormalised) {
  EXPECT_EQ(normalize_call_alias("My Alias-X/y").value(), "my_alias_x/y");
  EXPECT_EQ(normalize_call_alias("  caf\xc3\xa9 1 ").value(), "caf_1");
}

TEST(CallAlias, IsRefusedInTheWordsOf2022) {
  EXPECT_EQ(normalize_call_alias(" ").error().detail, "Call alias cannot be empty");
  EXPECT_EQ(normalize_call_alias("\xc3\xa9").error().detail, "Call alias cannot be empty");
  EXPECT_EQ(normalize_call_alias(golden::actor().subject).error().detail,
            "Public key cannot be used as a call alias");
  EXPECT_EQ(normalize_call_alias("a:b").error().detail,
            "Call alias contained invalid characters.\nValid aliases are lowercase alphanumeric "
            "and can contain underscores and slashes");
}

TEST(FriendlyCapabilityName, KnowsTheContractsAndLeavesOthers) {
  EXPECT_EQ(friendly_capability_name("wasmcloud:httpserver"), "HTTP Server");
  EXPECT_EQ(friendly_capability_name("wasmcloud:keyvalue"), "K/V Store");
  EXPECT_EQ(friendly_capability_name("wasmcloud:builtin:logging"), "Logging");
  EXPECT_EQ(friendly_capability_name("acme:thing"), "acme:thing");
}

TEST(ValidityHuman, SpeaksInTheLargestUnit) {
  constexpr std::uint64_t kNow = 1'000'000'000;
  EXPECT_EQ(expires_human({}, kNow), "never");
  EXPECT_EQ(not_before_human({}, kNow), "immediately");
  const auto expires = [](std::uint64_t at) { return expires_human({at, {}}, kNow); };
  EXPECT_EQ(expires(kNow + 3 * 86400), "in 3days");
  EXPECT_EQ(expires(kNow + 3 * 86400 + 7200), "in 3days");
  EXPECT_EQ(expires(kNow + 86400), "in 1day");
  EXPECT_EQ(expires(kNow - 8 * 3600 - 59), "8h ago");
  EXPECT_EQ(expires(kNow + 61), "in 1m");
  EXPECT_EQ(expires(kNow), "in 0s");
  EXPECT_EQ(expires(kNow - 1), "1s ago");
  EXPECT_EQ(not_before_human({{}, kNow + 7200}, kNow), "in 2h");
}

TEST(HowToSign, IsACommandForAShell) {
  EXPECT_NE(how_to_sign("/w/echo.wasm").find("wash claims sign /w/echo.wasm --name echo -q"),
            std::string::npos);
  EXPECT_NE(how_to_sign("/w/it's me.wasm")
                .find("wash claims sign '/w/it'\\''s me.wasm' --name 'it'\\''s me' -q"),
            std::string::npos)
      << how_to_sign("/w/it's me.wasm");
  EXPECT_NE(how_to_sign("").find("wash claims sign <module>.wasm --name <name> -q"),
            std::string::npos);
}

TEST(SignedPath, IsBesideTheModule) {
  EXPECT_EQ(signed_path("/w/echo.wasm"), "/w/echo_s.wasm");
  EXPECT_EQ(signed_path("echo.wasm"), "./echo_s.wasm");
}

}  // namespace
}  // namespace trellis::claims
