// Who this host is: its key, the cluster key that signs what leaves it, its friendly name. Fixed
// for the life of the process; read from any core.
#pragma once

#include <string>
#include <vector>

#include "claims/nkey.h"
#include "host/config.h"

namespace trellis::host {

struct Identity {
  claims::KeyPair host;                      // N…
  claims::KeyPair cluster;                   // C…
  std::vector<std::string> cluster_issuers;  // the cluster key always among them
  std::string friendly_name;                 // "silent-lake-1234"
};

// Errors name the variable that holds a bad seed or issuer.
Result<Identity> make_identity(const Config& config);

}  // namespace trellis::host
