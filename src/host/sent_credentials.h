// Credentials for registries that came over the lattice, with registries.put or from a
// configuration service, are taken: what is of no use is said in the log, which never shows a
// secret. Core 0.
#pragma once

#include "control/registry_credentials.h"
#include "registry/credentials.h"

namespace trellis::host {

void take_credentials(control::RegistryCredentials sent, registry::Credentials& into);

}  // namespace trellis::host
