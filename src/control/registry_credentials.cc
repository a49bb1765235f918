#include "control/registry_credentials.h"

#include <fmt/format.h>

#include "base/limits.h"
#include "codec/json.h"
#include "control/fields.h"

namespace trellis::control {

Result<RegistryCredentials> parse_registry_credentials(std::string_view body) {
  const auto value = codec::json_parse(body);
  if (!value || !value->is_object()) {
    return fail(Errc::invalid, "control.registries", "the body is not a JSON object of registries");
  }
  if (value->get_object().size() > limits::kRegistryCredentialsMax) {
    return fail(Errc::exhausted, "control.registries",
                fmt::format("more than {} registries at once are not taken",
                            limits::kRegistryCredentialsMax));
  }
  RegistryCredentials all;
  for (const auto& [key, entry] : value->get_object()) {
    const std::string name(key);
    if (!entry.is_object()) {
      all.passed_over[name] = "it is not an object";
      continue;
    }
    Fields fields(entry.get_object());
    RegistryCredential credential;
    std::string type;
    fields.text("username", credential.username);
    fields.text("password", credential.password);
    fields.text("token", credential.token);
    fields.text("registryType", type);
    if (!fields.problem().empty()) {
      all.passed_over[name] = fields.problem();
    } else if (type != "oci") {
      all.passed_over[name] = "its registryType is not oci";
    } else if (credential.token.empty() &&
               (credential.username.empty() || credential.password.empty())) {
      all.passed_over[name] = "it has neither username and password nor a token";
    } else {
      all.registries[name] = std::move(credential);
    }
  }
  return all;
}

}  // namespace trellis::control
