// The options by which commands reach a registry, and what they come to together with the
// environment: the same variables and files that hosts read.
#pragma once

#include <memory>
#include <string>

#include <CLI/CLI.hpp>

#include "artifact/reference.h"
#include "base/result.h"
#include "registry/credentials.h"
#include "registry/settings.h"

namespace trellis::wash {

struct RegistryArguments {
  std::string user, password;
  bool insecure = false, allow_latest = false;
};

void add_registry_options(CLI::App& command, RegistryArguments& into);
void add_allow_latest(CLI::App& command, RegistryArguments& into);

// `registry` is the one the command names: --insecure is about it alone.
Result<registry::Settings> registry_settings(const RegistryArguments& arguments,
                                             const std::string& registry);
Result<std::shared_ptr<registry::Credentials>> registry_credentials(
    const RegistryArguments& arguments);

// A reference that names a registry; `verb` ("Pulling") begins the refusal of latest.
Result<artifact::Reference> registry_reference(const RegistryArguments& arguments,
                                               const std::string& url, const std::string& verb);

// "sha256:…", whether or not it was written with its beginning.
std::string whole_digest(const std::string& digest);

}  // namespace trellis::wash
