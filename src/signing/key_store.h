// Where signing keys come from: a seed or a file that was named, else the folder of keys, where a
// missing one is made. Files <name>_<type>.nk, mode 0600, in a folder of mode 0700. A seed never
// appears in an error. One thread.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "claims/nkey.h"

namespace trellis::signing {

// The folder named, else ~/.wash/keys.
Result<std::filesystem::path> keys_directory(const std::string& named);

// "account", "Module", "actor", "PROVIDER", …
Result<claims::KeyType> parse_key_type(std::string_view word);

// The seed in `<directory>/<name>`, with or without .nk at the end of the name.
Result<std::string> stored_seed(const std::filesystem::path& directory, const std::string& name);
// The names that end in .nk, sorted.
Result<std::vector<std::string>> stored_names(const std::filesystem::path& directory);

struct KeyRequest {
  claims::KeyType type{};
  std::string given;    // a seed or the path of a file with one; empty: look in the folder
  std::string subject;  // what the key is for: its file's stem names the key. Accounts: $USER
  std::string directory;
  bool may_generate = true;
  // Told the path before a missing key is made.
  std::function<void(const std::string& path)> on_missing = {};
};
Result<claims::KeyPair> find_key(const KeyRequest& request);

}  // namespace trellis::signing
