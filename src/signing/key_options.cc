#include "signing/key_options.h"

#include <fmt/format.h>

#include <utility>

namespace trellis::signing {
namespace {

Result<claims::KeyPair> key(const KeyOptions& options, const std::string& given,
                            claims::KeyType type, const std::string& what, OnMissing on_missing) {
  return find_key({.type = type,
                   .given = given,
                   .subject = what,
                   .directory = options.directory,
                   .may_generate = !options.disable_keygen,
                   .on_missing = std::move(on_missing)});
}

}  // namespace

void add_key_options(CLI::App& command, KeyOptions& into, const std::string& issuer_about,
                     const std::string& folder_names) {
  command
      .add_option("-i,--issuer", into.issuer,
                  fmt::format("Seed of {}, or a file with it (default: the key of your user in the "
                              "folder of keys)",
                              issuer_about))
      ->envname("WASH_ISSUER_KEY");
  command.add_option(folder_names, into.directory, "Folder of the keys (default: ~/.wash/keys)")
      ->envname("WASH_KEYS");
  command.add_flag("--disable-keygen", into.disable_keygen,
                   "Fail when a key is missing instead of making one");
}

void add_subject_option(CLI::App& command, KeyOptions& into, const std::string& about) {
  command.add_option("-s,--subject", into.subject, about)->envname("WASH_SUBJECT_KEY");
}

Result<claims::KeyPair> issuer_key(const KeyOptions& options, claims::KeyType type,
                                   const std::string& what, OnMissing on_missing) {
  return key(options, options.issuer, type, what, std::move(on_missing));
}

Result<claims::KeyPair> subject_key(const KeyOptions& options, claims::KeyType type,
                                    const std::string& what, OnMissing on_missing) {
  return key(options, options.subject, type, what, std::move(on_missing));
}

std::string missing_key_note(const std::string& path) {
  return fmt::format(
      "No keypair found in \"{}\".\n  We will generate one for you and place it there.\n  If you'd "
      "like to use alternative keys, you can supply them as a flag.\n",
      path);
}

}  // namespace trellis::signing
