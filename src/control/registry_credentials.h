// What registries.put says: who to be towards which registry. docs/protocol.md §6.10. The values
// are secrets: errors name members, never what they hold. Pure.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/result.h"

namespace trellis::control {

struct RegistryCredential {
  std::string username, password, token;
};

struct RegistryCredentials {
  std::map<std::string, RegistryCredential> registries;  // by the name the sender gave it
  std::map<std::string, std::string> passed_over;        // name → why; as 2022 did in silence
};

Result<RegistryCredentials> parse_registry_credentials(std::string_view body);

}  // namespace trellis::control
