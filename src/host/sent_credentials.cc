#include "host/sent_credentials.h"

#include "artifact/foreign_text.h"
#include "base/log.h"

namespace trellis::host {

void take_credentials(control::RegistryCredentials sent, registry::Credentials& into) {
  for (const auto& [name, why] : sent.passed_over) {
    LOG(warn, "credentials for the registry '{}' were not taken: {}", artifact::shown(name), why);
  }
  std::map<std::string, registry::Credential> credentials;
  for (auto& [name, credential] : sent.registries) {
    LOG(info, "credentials for the registry '{}' were sent", artifact::shown(name));
    credentials[name] = {.user = std::move(credential.username),
                         .password = std::move(credential.password),
                         .identity_token = {},
                         .bearer_token = std::move(credential.token),
                         .source = {}};
  }
  if (auto put = into.put(std::move(credentials)); !put) LOG(warn, "{}", put.error().describe());
}

}  // namespace trellis::host
