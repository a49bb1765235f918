#include "pack.h"

#include <fmt/format.h>

#include <memory>
#include <vector>

#include "artifact/provider_archive.h"
#include "base/nearest.h"
#include "builtin/builtin_providers.h"
#include "packed_name.h"
#include "signing/archive_file.h"
#include "signing/key_options.h"

namespace trellis::provider_app {
namespace {

using claims::KeyType;

struct PackArguments {
  std::string name, destination;
  signing::KeyOptions keys;
};

Result<const builtin::BuiltinProvider*> provider_named(const std::string& name) {
  if (const auto* found = builtin::find_by_name(name)) return found;
  std::vector<std::string> names;
  for (const auto& provider : builtin::builtin_providers()) names.push_back(provider.name);
  const auto meant = nearest(name, names);
  return fail(Errc::not_found, "provider_app.pack",
              fmt::format("there is no provider '{}'{}; `trellis-provider list` shows them", name,
                          meant.empty() ? "" : fmt::format(", did you mean '{}'?", meant)));
}

void announce(const std::string& path) {
  fmt::print(stderr, "{}\n", signing::missing_key_note(path));
}

// Under the key it has within a host, so that links stay; a seed makes another provider of it.
Result<std::string> key_of(const PackArguments& arguments,
                           const builtin::BuiltinProvider& provider) {
  if (arguments.keys.subject.empty()) return provider.info.public_key;
  TRY(const auto key,
      signing::subject_key(arguments.keys, KeyType::service, provider.name, announce));
  return key.public_key();
}

Result<std::string> pack(const PackArguments& arguments) {
  TRY(const auto* provider, provider_named(arguments.name));
  claims::ProviderClaims claims;
  TRY(claims.subject, key_of(arguments, *provider));
  claims.name = provider->info.name;
  claims.contract_id = provider->info.contract_id;
  claims.vendor = provider->info.vendor;
  claims.rev = provider->info.revision;
  claims.ver = provider->info.version;
  TRY(auto program, own_program());
  TRY(const auto account,
      signing::issuer_key(arguments.keys, KeyType::account, provider->name, announce));
  const bool to_be_small = arguments.destination.empty() || arguments.destination.ends_with(".gz");
  const auto path = signing::archive_path(arguments.destination, provider->name, to_be_small);
  const auto key = claims.subject;
  TRY_OK(signing::write_archive(
      path, std::move(claims),
      {{std::string(artifact::this_target()), with_name(std::move(program), provider->name)}},
      account, to_be_small));
  return fmt::format("Successfully created archive {}\nProvider {} ({}) for {}\n", path, key,
                     provider->info.contract_id, artifact::this_target());
}

Result<std::string> list() {
  std::string text = fmt::format("{:<16}{:<24}{}\n", "NAME", "CONTRACT", "KEY");
  for (const auto& provider : builtin::builtin_providers())
    text += fmt::format("{:<16}{:<24}{}\n", provider.name, provider.info.contract_id,
                        provider.info.public_key);
  return text;
}

}  // namespace

void add_pack(CLI::App& app, Action& chosen) {
  CLI::App& command =
      *app.add_subcommand("pack", "Write one of the providers as a signed archive (.par, .par.gz)");
  auto arguments = std::make_shared<PackArguments>();
  command.add_option("name", arguments->name, "Which one; `list` shows them")->required();
  command.add_option("--destination", arguments->destination,
                     "Where to write it; .gz at the end has it compressed (default: "
                     "<name>.par.gz, in this folder)");
  signing::add_key_options(command, arguments->keys, "the account that signs", "-d,--directory");
  signing::add_subject_option(command, arguments->keys,
                              "Seed of the provider, or a file with it, to make another provider "
                              "of it (default: it keeps the key that `list` shows)");
  command.footer(
      "The archive holds this program, for this kind of machine; it needs the libraries that this "
      "program needs.\n\nExample:\n"
      "  trellis-provider pack kvredis --destination kvredis.par.gz\n"
      "  wash ctl start provider file://$PWD/kvredis.par.gz");
  command.callback([&chosen, arguments] { chosen = [arguments] { return pack(*arguments); }; });
}

void add_list(CLI::App& app, Action& chosen) {
  CLI::App& command =
      *app.add_subcommand("list", "Names, contracts and public keys of the providers");
  command.callback([&chosen] { chosen = list; });
}

}  // namespace trellis::provider_app
