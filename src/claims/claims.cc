#include "claims/claims.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include "codec/json.h"

namespace trellis::claims {
namespace {

namespace json = codec::json;

// i32 revisions of docs/protocol.md §5.2; what is outside wraps nowhere, it is refused.
Result<std::optional<std::int32_t>> revision_member(const json::object& wascap) {
  const json::value* value = wascap.if_contains("rev");
  if (value == nullptr || value->is_null()) return std::nullopt;
  json::error_code error;
  const auto number = value->to_number<std::int32_t>(error);
  if (error) return fail(Errc::invalid, "claims.claims", "'rev' should be a 32-bit whole number");
  return number;
}

Result<std::vector<std::string>> strings(const json::object& wascap, std::string_view key) {
  std::vector<std::string> out;
  const json::value* value = wascap.if_contains(key);
  if (value == nullptr || value->is_null()) return out;
  const auto wrong = [&] {
    return fail(Errc::invalid, "claims.claims", fmt::format("'{}' should be a list of text", key));
  };
  if (!value->is_array()) return wrong();
  for (const json::value& element : value->get_array()) {
    if (!element.is_string()) return wrong();
    out.emplace_back(element.get_string());
  }
  return out;
}

Result<std::map<std::string, std::string>> string_map(const json::object& wascap,
                                                      std::string_view key) {
  std::map<std::string, std::string> out;
  const json::value* value = wascap.if_contains(key);
  if (value == nullptr || value->is_null()) return out;
  const auto wrong = [&] {
    return fail(Errc::invalid, "claims.claims", fmt::format("'{}' should be a map of text", key));
  };
  if (!value->is_object()) return wrong();
  for (const auto& [name, member] : value->get_object()) {
    if (!member.is_string()) return wrong();
    out.emplace(name, member.get_string());
  }
  return out;
}

Result<std::string> text_or_empty(const json::object& wascap, std::string_view key) {
  TRY(auto text, codec::json_string(wascap, key));
  return std::move(text).value_or("");
}

// Who signed and what is signed must be keys of the kinds that go together.
Result<void> check_keys(const Jwt& jwt, KeyType issuer, KeyType subject) {
  const auto check = [](std::string_view key, KeyType type, std::string_view what) -> Result<void> {
    auto parsed = PublicKey::parse(key, type);
    if (parsed) return {};
    return fail(Errc::invalid, "claims.claims.key",
                fmt::format("the {} '{}' is not the key it should be: {}", what, key,
                            parsed.error().detail));
  };
  TRY_OK(check(jwt.iss, issuer, "issuer"));
  return check(jwt.sub, subject, "subject");
}

// rev if above 0, else iat as 32 bits (docs/protocol.md §5.2).
std::int32_t effective_revision(std::optional<std::int32_t> rev, std::uint64_t issued_at) {
  if (rev && *rev > 0) return *rev;
  return static_cast<std::int32_t>(static_cast<std::uint32_t>(issued_at));
}

json::array to_array(const std::vector<std::string>& strings) {
  json::array out;
  for (const std::string& text : strings) out.emplace_back(text);
  return out;
}

template <class Claims>
Jwt envelope(const Claims& claims) {
  Jwt jwt;
  jwt.jti = new_jti();
  jwt.iat = claims.issued_at;
  jwt.exp = claims.validity.expires;
  jwt.nbf = claims.validity.not_before;
  jwt.iss = claims.issuer;
  jwt.sub = claims.subject;
  return jwt;
}

}  // namespace

std::int32_t ActorClaims::revision() const { return effective_revision(rev, issued_at); }
std::int32_t ProviderClaims::revision() const { return effective_revision(rev, issued_at); }

bool ActorClaims::has_capability(std::string_view contract_id) const {
  return std::find(caps.begin(), caps.end(), contract_id) != caps.end();
}

Result<ActorClaims> actor_claims(const Jwt& jwt) {
  TRY_OK(check_keys(jwt, KeyType::account, KeyType::module));
  ActorClaims claims;
  claims.issuer = jwt.iss;
  claims.subject = jwt.sub;
  claims.issued_at = jwt.iat;
  claims.validity = {jwt.exp, jwt.nbf};
  claims.wascap_revision = jwt.wascap_revision;
  TRY(claims.name, text_or_empty(jwt.wascap, "name"));
  TRY(auto hash, codec::json_string(jwt.wascap, "hash"));
  if (!hash) return fail(Errc::invalid, "claims.claims", "the claims have no 'hash' of the module");
  claims.module_hash = *std::move(hash);
  TRY(claims.tags, strings(jwt.wascap, "tags"));
  TRY(claims.caps, strings(jwt.wascap, "caps"));
  TRY(claims.rev, revision_member(jwt.wascap));
  TRY(claims.ver, codec::json_string(jwt.wascap, "ver"));
  TRY(claims.call_alias, codec::json_string(jwt.wascap, "call_alias"));
  TRY(auto provider, codec::json_bool(jwt.wascap, "prov"));
  claims.provider = provider.value_or(false);
  return claims;
}

Result<ProviderClaims> provider_claims(const Jwt& jwt) {
  TRY_OK(check_keys(jwt, KeyType::account, KeyType::service));
  ProviderClaims claims;
  claims.issuer = jwt.iss;
  claims.subject = jwt.sub;
  claims.issued_at = jwt.iat;
  claims.validity = {jwt.exp, jwt.nbf};
  TRY(claims.name, text_or_empty(jwt.wascap, "name"));
  TRY(auto contract_id, codec::json_string(jwt.wascap, "capid"));
  if (!contract_id) {
    return fail(Errc::invalid, "claims.claims", "the claims name no contract ('capid')");
  }
  claims.contract_id = *std::move(contract_id);
  TRY(claims.vendor, text_or_empty(jwt.wascap, "vendor"));
  TRY(claims.rev, revision_member(jwt.wascap));
  TRY(claims.ver, codec::json_string(jwt.wascap, "ver"));
  TRY(claims.target_hashes, string_map(jwt.wascap, "target_hashes"));
  return claims;
}

Jwt to_jwt(const ActorClaims& claims) {
  Jwt jwt = envelope(claims);
  jwt.wascap_revision = claims.wascap_revision;
  if (!claims.name.empty()) jwt.wascap["name"] = claims.name;
  jwt.wascap["hash"] = claims.module_hash;
  jwt.wascap["tags"] = to_array(claims.tags);
  jwt.wascap["caps"] = to_array(claims.caps);
  if (claims.rev) jwt.wascap["rev"] = *claims.rev;
  if (claims.ver) jwt.wascap["ver"] = *claims.ver;
  if (claims.call_alias) jwt.wascap["call_alias"] = *claims.call_alias;
  jwt.wascap["prov"] = claims.provider;
  return jwt;
}

Jwt to_jwt(const ProviderClaims& claims) {
  Jwt jwt = envelope(claims);
  jwt.wascap["name"] = claims.name.empty() ? json::value(nullptr) : json::value(claims.name);
  jwt.wascap["capid"] = claims.contract_id;
  jwt.wascap["vendor"] = claims.vendor;
  if (claims.rev) jwt.wascap["rev"] = *claims.rev;
  if (claims.ver) jwt.wascap["ver"] = *claims.ver;
  json::object hashes;
  for (const auto& [target, hash] : claims.target_hashes) hashes[target] = hash;
  jwt.wascap["target_hashes"] = std::move(hashes);
  return jwt;
}

Jwt to_jwt(const SignerClaims& claims) {
  Jwt jwt = envelope(claims);
  jwt.wascap["name"] = claims.name;
  jwt.wascap["valid_signers"] = to_array(claims.valid_signers);
  return jwt;
}

}  // namespace trellis::claims
