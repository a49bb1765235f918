// The options by which a command line says whose keys sign, the same in every command that signs.
#pragma once

#include <functional>
#include <string>

#include <CLI/CLI.hpp>

#include "base/result.h"
#include "signing/key_store.h"

namespace trellis::signing {

struct KeyOptions {
  std::string issuer, subject;  // a seed or a file with one; "" looks in the folder
  std::string directory;        // "": ~/.wash/keys
  bool disable_keygen = false;
};

// --issuer, the folder and --disable-keygen; `folder_names` is how the folder's option is spelled.
void add_key_options(CLI::App& command, KeyOptions& into, const std::string& issuer_about,
                     const std::string& folder_names);
void add_subject_option(CLI::App& command, KeyOptions& into, const std::string& about);

// For `what`, a file or a name (KeyRequest::subject). `on_missing` is told the path before a key is
// made.
using OnMissing = std::function<void(const std::string& path)>;
Result<claims::KeyPair> issuer_key(const KeyOptions& options, claims::KeyType type,
                                   const std::string& what, OnMissing on_missing);
Result<claims::KeyPair> subject_key(const KeyOptions& options, claims::KeyType type,
                                    const std::string& what, OnMissing on_missing);

// What is said of a key that is made.
std::string missing_key_note(const std::string& path);

}  // namespace trellis::signing
