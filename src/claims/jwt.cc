#include "claims/jwt.h"

#include <fmt/format.h>
#include <sodium.h>

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/limits.h"
#include "codec/base64.h"
#include "codec/json.h"

namespace trellis::claims {
namespace {

namespace json = codec::json;
using codec::Base64;

constexpr std::string_view kHeader = R"({"typ":"jwt","alg":"Ed25519"})";  // docs/protocol.md §5.2

tl::unexpected<Error> malformed(std::string why) {
  return fail(Errc::invalid, "claims.jwt.form", "not a valid token: " + std::move(why));
}

// The three parts of header.payload.signature, and the two that are signed.
struct Parts {
  std::string_view header, payload, signature, signed_text;
};

Result<Parts> split(std::string_view token) {
  if (token.size() > limits::kJwtBytesMax) {
    return malformed(fmt::format("it is longer than {} bytes", limits::kJwtBytesMax));
  }
  const std::size_t first = token.find('.');
  const std::size_t second = first == token.npos ? first : token.find('.', first + 1);
  if (second == token.npos || token.find('.', second + 1) != token.npos) {
    return malformed("it should be three parts joined by dots");
  }
  return Parts{token.substr(0, first), token.substr(first + 1, second - first - 1),
               token.substr(second + 1), token.substr(0, second)};
}

Result<json::object> decode_object(std::string_view part, std::string_view what) {
  auto bytes = codec::base64_decode(part, Base64::url);
  if (!bytes) return malformed(fmt::format("its {} is {}", what, bytes.error().detail));
  auto value = codec::json_parse(as_text(*bytes));
  if (!value) return malformed(fmt::format("its {} is {}", what, value.error().detail));
  json::object* object = value->if_object();
  if (object == nullptr) return malformed(fmt::format("its {} is not a JSON object", what));
  return std::move(*object);
}

Result<void> check_header(std::string_view part) {
  TRY(json::object header, decode_object(part, "header"));
  const auto is = [&](std::string_view key, std::string_view wanted) {
    auto value = codec::json_string(header, key);
    return value && *value == wanted;
  };
  if (!is("typ", "jwt")) return malformed("its type is not 'jwt'");
  if (!is("alg", "Ed25519")) return malformed("its algorithm is not 'Ed25519'");
  return {};
}

Result<std::string> required(const json::object& payload, std::string_view key) {
  TRY(auto text, codec::json_string(payload, key));
  if (!text || text->empty()) return malformed(fmt::format("it has no '{}'", key));
  return *std::move(text);
}

Result<Jwt> from_payload(json::object payload) {
  Jwt jwt;
  TRY(auto jti, codec::json_string(payload, "jti"));
  TRY(auto iat, codec::json_uint(payload, "iat"));
  TRY(jwt.exp, codec::json_uint(payload, "exp"));
  TRY(jwt.nbf, codec::json_uint(payload, "nbf"));
  TRY(jwt.iss, required(payload, "iss"));
  TRY(jwt.sub, required(payload, "sub"));
  TRY(jwt.wascap_revision, codec::json_uint(payload, "wascap_revision"));
  jwt.jti = std::move(jti).value_or("");
  jwt.iat = iat.value_or(0);
  json::value* wascap = payload.if_contains("wascap");
  if (wascap != nullptr && !wascap->is_null()) {
    if (!wascap->is_object()) return malformed("its 'wascap' is not an object");
    jwt.wascap = std::move(wascap->get_object());
  }
  return jwt;
}

Result<Jwt> decode(const Parts& parts) {
  TRY_OK(check_header(parts.header));
  TRY(json::object payload, decode_object(parts.payload, "payload"));
  auto jwt = from_payload(std::move(payload));
  if (!jwt && jwt.error().site != std::string_view("claims.jwt.form")) {
    return malformed(jwt.error().detail);
  }
  return jwt;
}

json::object to_payload(const Jwt& jwt) {
  json::object payload;
  if (jwt.exp) payload["exp"] = *jwt.exp;
  payload["jti"] = jwt.jti;
  payload["iat"] = jwt.iat;
  payload["iss"] = jwt.iss;
  payload["sub"] = jwt.sub;
  if (jwt.nbf) payload["nbf"] = *jwt.nbf;
  payload["wascap"] = jwt.wascap;
  if (jwt.wascap_revision) payload["wascap_revision"] = *jwt.wascap_revision;
  return payload;
}

}  // namespace

Result<Jwt> decode_jwt(std::string_view token) {
  TRY(Parts parts, split(token));
  return decode(parts);
}

Result<Jwt> verify_jwt(std::string_view token) {
  TRY(Parts parts, split(token));
  TRY(Jwt jwt, decode(parts));
  auto raw = codec::base64_decode(parts.signature, Base64::url);
  if (!raw) return malformed("its signature is " + raw.error().detail);
  Signature signature{};
  if (raw->size() != signature.size()) return malformed("its signature is not 64 bytes");
  std::copy(raw->begin(), raw->end(), signature.begin());
  auto issuer = PublicKey::parse(jwt.iss);
  if (!issuer) return malformed("its issuer is not a key: " + issuer.error().detail);
  if (!issuer->verify(as_bytes(parts.signed_text), signature)) {
    return fail(Errc::unauthenticated, "claims.jwt.signature",
                fmt::format("the token was not signed by {}, which it names as issuer, or was "
                            "changed afterwards",
                            jwt.iss));
  }
  return jwt;
}

JwtState state_at(std::optional<std::uint64_t> expires, std::optional<std::uint64_t> not_before,
                  std::uint64_t now_unix_seconds) {
  const auto leeway_passed = [](std::uint64_t since, std::uint64_t until) {
    return until > since && until - since > kClockLeeway;
  };
  if (expires && leeway_passed(*expires, now_unix_seconds)) return JwtState::expired;
  if (not_before && leeway_passed(now_unix_seconds, *not_before)) return JwtState::not_yet_valid;
  return JwtState::valid;
}

JwtState state_at(const Jwt& jwt, std::uint64_t now_unix_seconds) {
  return state_at(jwt.exp, jwt.nbf, now_unix_seconds);
}

std::string sign_jwt(const Jwt& jwt, const KeyPair& issuer) {
  Jwt issued = jwt;
  issued.iss = issuer.public_key();
  std::string token = codec::base64_encode(as_bytes(kHeader), Base64::url);
  token += '.';
  token += codec::base64_encode(as_bytes(codec::json_write(to_payload(issued))), Base64::url);
  const Signature signature = issuer.sign(as_bytes(token));
  token += '.';
  token += codec::base64_encode(signature, Base64::url);
  return token;
}

std::string new_jti() {
  constexpr std::string_view kDigits =
      "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  CHECK(sodium_init() >= 0);
  std::string jti;
  for (int i = 0; i < 22; ++i) jti += kDigits[randombytes_uniform(kDigits.size())];
  return jti;
}

}  // namespace trellis::claims
