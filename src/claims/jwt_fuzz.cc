// The input as a whole token, and as the payload of a token that is properly signed (which random
// bytes never reach): what is accepted says the same after it is signed again.
#include "base/check.h"
#include "claims/claims.h"
#include "claims/jwt.h"
#include "codec/base64.h"
#include "codec/json.h"

namespace {

using namespace trellis;
using namespace trellis::claims;
using codec::Base64;

const KeyPair& account() {
  static const KeyPair pair = KeyPair::from_raw_seed(KeyType::account, Bytes(32)).value();
  return pair;
}

template <class Claims>
void claims_round_trip(const Result<Claims>& claims, Result<Claims> (*read)(const Jwt&)) {
  if (!claims) return;
  const Jwt jwt = to_jwt(*claims);
  CHECK(to_jwt(read(jwt).value()).wascap == jwt.wascap);
}

void jwt_round_trip(const Jwt& jwt) {
  const Jwt again = verify_jwt(sign_jwt(jwt, account())).value();
  CHECK(again.iss == account().public_key());
  CHECK(again.sub == jwt.sub && again.jti == jwt.jti && again.iat == jwt.iat);
  CHECK(again.exp == jwt.exp && again.nbf == jwt.nbf);
  CHECK(codec::json_write(again.wascap) == codec::json_write(jwt.wascap));
  (void)state_at(jwt, 1669593600);
  claims_round_trip(actor_claims(again), actor_claims);
  claims_round_trip(provider_claims(again), provider_claims);
}

std::string signed_token(BytesView payload) {
  std::string token =
      codec::base64_encode(as_bytes(R"({"typ":"jwt","alg":"Ed25519"})"), Base64::url) + "." +
      codec::base64_encode(payload, Base64::url);
  const Signature signature = account().sign(as_bytes(token));
  return token + "." + codec::base64_encode(signature, Base64::url);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const BytesView in(data, size);
  if (verify_jwt(as_text(in))) CHECK(decode_jwt(as_text(in)).has_value());
  if (const auto jwt = decode_jwt(as_text(in))) jwt_round_trip(*jwt);
  const std::string token = signed_token(in);
  if (const auto jwt = decode_jwt(token)) jwt_round_trip(*jwt);
  (void)verify_jwt(token);
  (void)normalize_call_alias(as_text(in));
  return 0;
}
