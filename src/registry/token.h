// Asks a registry's token server for a bearer token: the distribution specification's token
// authentication, with user and password, an identity token, or nobody's name.
#pragma once

#include <string>

#include "base/result.h"
#include "registry/challenge.h"
#include "registry/credential.h"
#include "registry/http_client.h"

namespace trellis::registry {

struct TokenRequest {
  Challenge challenge;      // where to ask, for which service
  std::string scope;        // when the challenge names none
  bool plain_http = false;  // the registry itself is asked without TLS
};

// denied: the credential is refused. unauthenticated: nobody's name is not enough.
Result<std::string> fetch_token(HttpClient& http, const TokenRequest& request,
                                const Credential& credential);

std::string basic_authorization(const Credential& credential);  // "Basic …"

}  // namespace trellis::registry
