// The wascap JWT: header {"typ":"jwt","alg":"Ed25519"}, iss is the key that signed. Parsing checks
// form, signature and times; what the claims mean is said by claims.h and lattice/invocation.h.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <boost/json/object.hpp>

#include "base/result.h"
#include "claims/nkey.h"

namespace trellis::claims {

struct Jwt {
  std::string jti;
  std::uint64_t iat = 0;
  std::optional<std::uint64_t> exp;  // unix seconds; invalid when exp < now
  std::optional<std::uint64_t> nbf;  // invalid while now < nbf
  std::string iss;
  std::string sub;
  std::optional<std::uint64_t> wascap_revision;
  boost::json::object wascap;  // entity-specific
};

enum class JwtState { valid, expired, not_yet_valid };
// The clocks of who signs and of who checks may differ by so many seconds.
inline constexpr std::uint64_t kClockLeeway = 30;

Result<Jwt> decode_jwt(std::string_view token);  // form only; no signature check
Result<Jwt> verify_jwt(std::string_view token);  // form and signature
JwtState state_at(std::optional<std::uint64_t> expires, std::optional<std::uint64_t> not_before,
                  std::uint64_t now_unix_seconds);
JwtState state_at(const Jwt& jwt, std::uint64_t now_unix_seconds);
std::string sign_jwt(const Jwt& jwt, const KeyPair& issuer);  // iss is set from the key
std::string new_jti();                                        // 22 characters, random

}  // namespace trellis::claims
