// Claims of the things that are signed: actors and providers, accounts and operators. What a token
// says, as a struct, and back. Format: docs/protocol.md §5.2.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "claims/jwt.h"

namespace trellis::claims {

struct Validity {
  std::optional<std::uint64_t> expires;  // unix seconds
  std::optional<std::uint64_t> not_before;

  JwtState at(std::uint64_t now_unix_seconds) const {
    return state_at(expires, not_before, now_unix_seconds);
  }
};

struct ActorClaims {
  std::string issuer;   // account, A…
  std::string subject;  // module, M…
  std::uint64_t issued_at = 0;
  Validity validity;
  std::string name;
  std::string module_hash;  // upper-case hex SHA-256
  std::vector<std::string> tags;
  std::vector<std::string> caps;
  std::optional<std::int32_t> rev;
  std::optional<std::string> ver;
  std::optional<std::string> call_alias;
  bool provider = false;
  std::optional<std::uint64_t> wascap_revision;

  std::int32_t revision() const;  // rev if > 0, else iat as 32 bits
  bool has_capability(std::string_view contract_id) const;
};

struct ProviderClaims {
  std::string issuer, subject;  // A…, V…
  std::uint64_t issued_at = 0;
  Validity validity;
  std::string name, contract_id, vendor;
  std::optional<std::int32_t> rev;
  std::optional<std::string> ver;
  std::map<std::string, std::string> target_hashes;
  std::int32_t revision() const;
};

struct SignerClaims {  // account, operator, cluster
  std::string issuer, subject;
  std::uint64_t issued_at = 0;
  Validity validity;
  std::string name;
  std::vector<std::string> valid_signers;
};

Result<ActorClaims> actor_claims(const Jwt& jwt);
Result<ProviderClaims> provider_claims(const Jwt& jwt);
Jwt to_jwt(const ActorClaims& claims);
Jwt to_jwt(const ProviderClaims& claims);
Jwt to_jwt(const SignerClaims& claims);

// Lower case, trimmed, ASCII only, ' ' and '-' → '_'. Error when empty, a public key, or with other
// characters than [a-z0-9_/] left (the texts of surface.md §1.4).
Result<std::string> normalize_call_alias(std::string_view alias);

// "HTTP Server" for wasmcloud:httpserver, …; the id itself when it has no such name.
std::string_view friendly_capability_name(std::string_view contract_id);

// Where `wash claims sign` puts the signed form of a module unless told: <stem>_s.wasm beside it.
std::string signed_path(std::string_view path);
// For whoever has an unsigned module: that it is one, and the command that signs it, to be pasted
// into a shell. `path` is "" when it is not a file.
std::string how_to_sign(std::string_view path);

// "never" / "immediately" / "in 3days" / "8h ago", as wascap prints.
std::string expires_human(const Validity& validity, std::uint64_t now);
std::string not_before_human(const Validity& validity, std::uint64_t now);

}  // namespace trellis::claims
