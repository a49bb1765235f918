// wash claims token actor | operator | account | provider: a token alone, without a module.
#include <memory>
#include <utility>

#include "base/unix_time.h"
#include "claims_arguments.h"
#include "signing/key_store.h"

namespace trellis::wash {
namespace {

using claims::KeyPair;
using claims::KeyType;

Result<Output> token_output(const claims::Jwt& jwt, const KeyPair& issuer) {
  std::string token = claims::sign_jwt(jwt, issuer);
  return Output{token, {{"token", token}}};
}

Result<Output> actor_token(const Context& context, const ActorArguments& arguments) {
  TRY(claims::ActorClaims claims, actor_claims_of(arguments, now_unix()));
  const SigningArguments& signing = arguments.signing;
  TRY(KeyPair issuer, issuer_key(context, signing, KeyType::account, signing.name));
  TRY(KeyPair subject, subject_key(context, signing, KeyType::module, signing.name));
  claims.subject = subject.public_key();
  return token_output(to_jwt(claims), issuer);
}

struct SignerArguments {
  SigningArguments signing;
  std::vector<std::string> additional_keys;
};

// A public key as it is, or that of a seed, as 2022 took it. What was given may be a secret: no
// error repeats it.
Result<std::string> public_key_of(const std::string& given, KeyType type) {
  if (claims::PublicKey::parse(given, type)) return given;
  auto pair = signing::find_key({.type = type, .given = given, .subject = {}, .directory = {}});
  if (pair) return pair->public_key();
  return fail(caused_by("--additional-key takes a public key, a seed, or a file with a seed",
                        pair.error()));
}

Result<claims::SignerClaims> signer_claims(const SignerArguments& arguments, KeyType signers) {
  claims::SignerClaims claims;
  for (const std::string& given : arguments.additional_keys) {
    TRY(std::string key, public_key_of(given, signers));
    claims.valid_signers.push_back(std::move(key));
  }
  claims.issued_at = now_unix();
  TRY(claims.validity, validity_of(arguments.signing, claims.issued_at));
  claims.name = arguments.signing.name;
  return claims;
}

Result<Output> operator_token(const Context& context, const SignerArguments& arguments) {
  TRY(claims::SignerClaims claims, signer_claims(arguments, KeyType::operator_));
  const SigningArguments& signing = arguments.signing;
  TRY(KeyPair self, issuer_key(context, signing, KeyType::operator_, signing.name));
  claims.subject = self.public_key();
  return token_output(to_jwt(claims), self);
}

Result<Output> account_token(const Context& context, const SignerArguments& arguments) {
  TRY(claims::SignerClaims claims, signer_claims(arguments, KeyType::account));
  const SigningArguments& signing = arguments.signing;
  TRY(KeyPair issuer, issuer_key(context, signing, KeyType::operator_, signing.name));
  TRY(KeyPair subject, subject_key(context, signing, KeyType::account, signing.name));
  claims.subject = subject.public_key();
  return token_output(to_jwt(claims), issuer);
}

struct ProviderArguments {
  SigningArguments signing;
  std::string contract_id, vendor;
  std::optional<std::int32_t> revision;
  std::optional<std::string> version;
};

Result<Output> provider_token(const Context& context, const ProviderArguments& arguments) {
  const SigningArguments& signing = arguments.signing;
  claims::ProviderClaims claims;
  claims.issued_at = now_unix();
  TRY(claims.validity, validity_of(signing, claims.issued_at));
  claims.name = signing.name;
  claims.contract_id = arguments.contract_id;
  claims.vendor = arguments.vendor;
  claims.rev = arguments.revision;
  claims.ver = arguments.version;
  TRY(KeyPair issuer, issuer_key(context, signing, KeyType::account, signing.name));
  TRY(KeyPair subject, subject_key(context, signing, KeyType::service, signing.name));
  claims.subject = subject.public_key();
  return token_output(to_jwt(claims), issuer);
}

void add_actor_token(CLI::App& token, Context& context) {
  CLI::App& command = *token.add_subcommand("actor", "Generate a token for an actor");
  auto arguments = std::make_shared<ActorArguments>();
  add_actor_options(command, *arguments);
  context.on(command, "wash claims token actor --name Echo --http_server",
             [&context, arguments] { return actor_token(context, *arguments); });
}

void add_additional_keys(CLI::App& command, SignerArguments& arguments) {
  command
      .add_option("-a,--additional-key", arguments.additional_keys,
                  "Another valid signer: its public key, its seed or a file with that; may be "
                  "repeated")
      ->allow_extra_args(false);
}

void add_signer_tokens(CLI::App& token, Context& context) {
  CLI::App& operator_command =
      *token.add_subcommand("operator", "Generate a token for an operator, signed by itself");
  auto operator_arguments = std::make_shared<SignerArguments>();
  add_signing_options(operator_command, operator_arguments->signing, /*with_subject=*/false);
  add_additional_keys(operator_command, *operator_arguments);
  context.on(
      operator_command, "wash claims token operator --name acme",
      [&context, operator_arguments] { return operator_token(context, *operator_arguments); });

  CLI::App& account = *token.add_subcommand("account", "Generate a token for an account");
  auto account_arguments = std::make_shared<SignerArguments>();
  add_signing_options(account, account_arguments->signing);
  add_additional_keys(account, *account_arguments);
  context.on(account, "wash claims token account --name acme",
             [&context, account_arguments] { return account_token(context, *account_arguments); });
}

void add_provider_token(CLI::App& token, Context& context) {
  CLI::App& command =
      *token.add_subcommand("provider", "Generate a token for a capability provider");
  auto arguments = std::make_shared<ProviderArguments>();
  add_signing_options(command, arguments->signing);
  command.add_option("-c,--capid", arguments->contract_id, "Contract, as wasmcloud:keyvalue")
      ->required();
  command.add_option("-v,--vendor", arguments->vendor, "Who makes the provider")->required();
  command.add_option("-r,--revision", arguments->revision, "Revision number");
  command.add_option("-e,--version", arguments->version, "Version for people, such as 0.1.0");
  context.on(command,
             "wash claims token provider --name KV --capid wasmcloud:keyvalue --vendor acme",
             [&context, arguments] { return provider_token(context, *arguments); });
}

}  // namespace

void add_claims_token(CLI::App& claims, Context& context) {
  CLI::App& token = *claims.add_subcommand("token", "Generate a signed token");
  token.require_subcommand(1);
  add_actor_token(token, context);
  add_signer_tokens(token, context);
  add_provider_token(token, context);
}

}  // namespace trellis::wash
