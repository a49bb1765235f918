// The options that `wash claims sign` and `wash claims token` share, and what they come to.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <CLI/CLI.hpp>

#include "base/result.h"
#include "claims/claims.h"
#include "command.h"
#include "signing/key_options.h"

namespace trellis::wash {

// Who signs, until when, with which keys.
struct SigningArguments {
  std::string name;
  signing::KeyOptions keys;
  std::optional<std::uint64_t> expires_days, not_before_days;
};

struct ActorArguments {
  SigningArguments signing;
  bool keyvalue = false, messaging = false, http_server = false, http_client = false;
  bool blob_store = false, extras = false, logging = false, events = false;
  std::vector<std::string> custom_caps, tags;
  bool provider = false;
  std::optional<std::int32_t> revision;
  std::optional<std::string> version, call_alias;
};

void add_signing_options(CLI::App& command, SigningArguments& into, bool with_subject = true);
void add_actor_options(CLI::App& command, ActorArguments& into);

// Refuses what would lie beyond the end of time.
Result<claims::Validity> validity_of(const SigningArguments& arguments, std::uint64_t now);
// The contracts that flags and --cap name, each once.
std::vector<std::string> capabilities_of(const ActorArguments& arguments);
// Everything but keys and hash.
Result<claims::ActorClaims> actor_claims_of(const ActorArguments& arguments, std::uint64_t now);

// The key of `type` for `what` (a file or a name); says on stderr when a new one is made.
Result<claims::KeyPair> issuer_key(const Context& context, const SigningArguments& arguments,
                                   claims::KeyType type, const std::string& what);
Result<claims::KeyPair> subject_key(const Context& context, const SigningArguments& arguments,
                                    claims::KeyType type, const std::string& what);

void add_claims_inspect(CLI::App& claims, Context& context);
void add_claims_sign(CLI::App& claims, Context& context);
void add_claims_token(CLI::App& claims, Context& context);

}  // namespace trellis::wash
