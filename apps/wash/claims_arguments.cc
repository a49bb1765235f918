#include "claims_arguments.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <utility>

#include "base/unix_time.h"
#include "codec/json.h"

namespace trellis::wash {
namespace {

using claims::KeyPair;
using claims::KeyType;

constexpr std::uint64_t kSecondsPerDay = 24 * 60 * 60;
constexpr std::uint64_t kDaysMax = 36'500;

Result<std::optional<std::uint64_t>> days_from(std::uint64_t now, std::optional<std::uint64_t> days,
                                               std::string_view option) {
  if (!days) return std::nullopt;
  if (*days > kDaysMax)
    return fail(Errc::invalid, "wash.claims.days",
                fmt::format("{} counts days from now: a whole number up to {}", option, kDaysMax));
  return now + *days * kSecondsPerDay;
}

// On stderr, so that stdout holds the result and nothing else.
void announce_new_key(const Context& context, const std::string& path) {
  if (context.json()) {
    fmt::print(stderr, "{}\n",
               codec::json_write(boost::json::object{
                   {"keygen", "true"}, {"path", path}, {"status", "No keypair found"}}));
    return;
  }
  context.note(signing::missing_key_note(path));
}

signing::OnMissing announcement(const Context& context) {
  return [&context](const std::string& path) { announce_new_key(context, path); };
}

void add_list(CLI::App& command, const std::string& name, std::vector<std::string>& into,
              const std::string& about) {
  command.add_option(name, into, about)->allow_extra_args(false);
}

}  // namespace

void add_signing_options(CLI::App& command, SigningArguments& into, bool with_subject) {
  command.add_option("-n,--name", into.name, "A human-readable name")->required();
  signing::add_key_options(command, into.keys, "the issuer", "--directory");
  if (with_subject)
    signing::add_subject_option(
        command, into.keys,
        "Seed of what is signed, or a file with it (default: the key of its name in the folder of "
        "keys)");
  command.add_option("-x,--expires", into.expires_days,
                     "Days from now until the token expires (default: never)");
  command.add_option("-b,--nbf", into.not_before_days,
                     "Days from now until the token can be used (default: at once)");
}

void add_actor_options(CLI::App& command, ActorArguments& into) {
  add_signing_options(command, into.signing);
  command.add_flag("-k,--keyvalue", into.keyvalue, "Claim wasmcloud:keyvalue");
  command.add_flag("-g,--msg", into.messaging, "Claim wasmcloud:messaging");
  command.add_flag("-q,--http_server,--http-server", into.http_server,
                   "Claim wasmcloud:httpserver");
  command.add_flag("--http_client,--http-client", into.http_client, "Claim wasmcloud:httpclient");
  command.add_flag("-f,--blob_store,--blob-store", into.blob_store, "Claim wasmcloud:blobstore");
  command.add_flag("-z,--extras", into.extras,
                   "Claim wasmcloud:builtin:numbergen: random numbers and GUIDs");
  command.add_flag("-l,--logging", into.logging, "Claim wasmcloud:builtin:logging");
  command.add_flag("-e,--events", into.events, "Claim wasmcloud:eventstreams");
  add_list(command, "-c,--cap", into.custom_caps, "Claim another contract; may be repeated");
  add_list(command, "-t,--tag", into.tags, "Add a tag; may be repeated");
  command.add_flag("-p,--prov", into.provider, "This is a capability provider, not an actor");
  command.add_option("-r,--rev", into.revision, "Revision number");
  command.add_option("-v,--ver", into.version, "Version for people, such as 0.3.4");
  command.add_option("-a,--call-alias", into.call_alias,
                     "Name by which other actors may call this one");
}

Result<claims::Validity> validity_of(const SigningArguments& arguments, std::uint64_t now) {
  claims::Validity validity;
  TRY(validity.expires, days_from(now, arguments.expires_days, "--expires"));
  TRY(validity.not_before, days_from(now, arguments.not_before_days, "--nbf"));
  if (validity.expires && validity.not_before && *validity.expires < *validity.not_before)
    return fail(Errc::invalid, "wash.claims.days",
                "the token would expire before it can be used: --expires is less than --nbf");
  return validity;
}

std::vector<std::string> capabilities_of(const ActorArguments& arguments) {
  const std::pair<bool, const char*> flags[] = {
      {arguments.keyvalue, "wasmcloud:keyvalue"},
      {arguments.messaging, "wasmcloud:messaging"},
      {arguments.http_client, "wasmcloud:httpclient"},
      {arguments.http_server, "wasmcloud:httpserver"},
      {arguments.blob_store, "wasmcloud:blobstore"},
      {arguments.extras, "wasmcloud:builtin:numbergen"},
      {arguments.logging, "wasmcloud:builtin:logging"},
      {arguments.events, "wasmcloud:eventstreams"},
  };
  std::vector<std::string> capabilities;
  const auto add = [&](const std::string& contract_id) {
    if (std::ranges::find(capabilities, contract_id) == capabilities.end())
      capabilities.push_back(contract_id);
  };
  for (const auto& [chosen, contract_id] : flags)
    if (chosen) add(contract_id);
  for (const std::string& contract_id : arguments.custom_caps) add(contract_id);
  return capabilities;
}

Result<claims::ActorClaims> actor_claims_of(const ActorArguments& arguments, std::uint64_t now) {
  claims::ActorClaims claims;
  claims.issued_at = now;
  claims.name = arguments.signing.name;
  claims.caps = capabilities_of(arguments);
  if (arguments.provider && claims.caps.size() > 1)
    return fail(Errc::invalid, "wash.claims.provider",
                "Capability providers cannot provide multiple capabilities at once.");
  TRY(claims.validity, validity_of(arguments.signing, now));
  claims.tags = arguments.tags;
  claims.rev = arguments.revision;
  claims.ver = arguments.version;
  claims.provider = arguments.provider;
  if (arguments.call_alias) {
    TRY(claims.call_alias, claims::normalize_call_alias(*arguments.call_alias));
  }
  return claims;
}

Result<KeyPair> issuer_key(const Context& context, const SigningArguments& arguments, KeyType type,
                           const std::string& what) {
  return signing::issuer_key(arguments.keys, type, what, announcement(context));
}

Result<KeyPair> subject_key(const Context& context, const SigningArguments& arguments, KeyType type,
                            const std::string& what) {
  return signing::subject_key(arguments.keys, type, what, announcement(context));
}

}  // namespace trellis::wash
