// Asks a program docker-credential-<name> for a registry's credential, as docker does: its "get"
// command, the registry on stdin, JSON on stdout. Blocking, bounded in time and size; the program
// is killed when it takes too long.
#pragma once

#include <string>

#include "base/result.h"
#include "registry/credential.h"
#include "runtime/deadline.h"

namespace trellis::registry {

// Empty when the program says that it knows none. Errors name the program and what it said.
Result<Credential> ask_credential_helper(const std::string& name, const std::string& registry,
                                         runtime::Deadline deadline);

}  // namespace trellis::registry
