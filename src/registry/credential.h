// How a registry is told who asks. Secrets: nothing here is ever written to a log, an error or an
// answer; `source` is what sentences say instead. A value.
#pragma once

#include <string>

namespace trellis::registry {

struct Credential {
  std::string user, password;
  std::string identity_token;  // exchanged for a bearer token at the registry's token server
  std::string bearer_token;    // sent as it is
  std::string source;          // where it comes from: "OCI_REGISTRY_USER"

  bool empty() const {
    return (user.empty() || password.empty()) && identity_token.empty() && bearer_token.empty();
  }
};

}  // namespace trellis::registry
