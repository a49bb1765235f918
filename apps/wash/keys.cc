// wash keys gen | get | list
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <memory>

#include "command.h"
#include "signing/key_store.h"

namespace trellis::wash {
namespace {

namespace fs = std::filesystem;

struct KeysArguments {
  std::string word;  // a type or a name
  std::string directory;
};

Result<Output> generate(const KeysArguments& arguments) {
  TRY(claims::KeyType type, signing::parse_key_type(arguments.word));
  const claims::KeyPair pair = claims::KeyPair::generate(type);
  return Output{fmt::format("Public Key: {}\nSeed: {}\n\nRemember that the seed is private, treat "
                            "it as a secret.",
                            pair.public_key(), pair.seed()),
                {{"public_key", pair.public_key()}, {"seed", pair.seed()}}};
}

Result<Output> get(const KeysArguments& arguments) {
  TRY(fs::path directory, signing::keys_directory(arguments.directory));
  TRY(std::string seed, signing::stored_seed(directory, arguments.word));
  return Output{seed, {{"seed", seed}}};
}

Result<Output> list(const KeysArguments& arguments) {
  TRY(fs::path directory, signing::keys_directory(arguments.directory));
  TRY(std::vector<std::string> names, signing::stored_names(directory));
  std::string text =
      fmt::format("====== Keys found in {} ======\n{}", directory.string(), fmt::join(names, "\n"));
  boost::json::array keys;
  for (const std::string& name : names) keys.emplace_back(name);
  return Output{std::move(text), {{"keys", std::move(keys)}}};
}

void add_directory(CLI::App& command, KeysArguments& arguments) {
  command
      .add_option("-d,--directory", arguments.directory,
                  "Folder of the keys (default: ~/.wash/keys)")
      ->envname("WASH_KEYS");
}

}  // namespace

void add_keys(CLI::App& root, Context& context) {
  CLI::App& keys = *root.add_subcommand("keys", "Utilities for generating and managing keys");
  keys.require_subcommand(1);

  CLI::App& gen = *keys.add_subcommand("gen", "Generate a key pair; it is shown, not stored");
  auto gen_arguments = std::make_shared<KeysArguments>();
  gen.add_option("keytype", gen_arguments->word,
                 "account, user, module (actor), service (provider), server, operator or cluster")
      ->required();
  context.on(gen, "wash keys gen account", [gen_arguments] { return generate(*gen_arguments); });

  CLI::App& get_key = *keys.add_subcommand("get", "Show the seed of a stored key");
  auto get_arguments = std::make_shared<KeysArguments>();
  get_key
      .add_option("keyname", get_arguments->word, "Name of the key, as `wash keys list` shows it")
      ->required();
  add_directory(get_key, *get_arguments);
  context.on(get_key, "wash keys get echo_module.nk",
             [get_arguments] { return get(*get_arguments); });

  CLI::App& list_keys = *keys.add_subcommand("list", "List the stored keys");
  auto list_arguments = std::make_shared<KeysArguments>();
  add_directory(list_keys, *list_arguments);
  context.on(list_keys, "wash keys list", [list_arguments] { return list(*list_arguments); });
}

}  // namespace trellis::wash
