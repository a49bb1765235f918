#include "kubernetes/settings.h"

#include <fmt/format.h>

#include "capability/link_values.h"
#include "kubernetes/kubeconfig.h"

namespace trellis::kubernetes {
namespace {

constexpr const char* kSite = "kubernetes.settings";

}  // namespace

Result<Settings> parse_settings(const lattice::Link& link) {
  Settings settings;
  for (const auto& [key, value] : link.values) {  // config_b64 is YAML here and not JSON
    if (capability::same_ignoring_case(key, "config_file")) settings.config_file = value;
    if (capability::same_ignoring_case(key, "config_b64")) settings.config_b64 = value;
    if (capability::same_ignoring_case(key, "adopt")) {
      if (value != "allow") return fail(Errc::invalid, kSite, "ADOPT can only be 'allow'");
      settings.adopt = true;
    }
    if (capability::same_ignoring_case(key, "owner")) {
      if (value != "none") return fail(Errc::invalid, kSite, "OWNER can only be 'none'");
      settings.owned = false;
    }
  }
  return settings;
}

std::string oddities_of(const lattice::Link& link) {
  return capability::warning_about_unknown(link, {"config_file", "config_b64", "ADOPT", "OWNER"});
}

Result<Access> load_access(const Settings& settings, const Environment& environment) {
  if (!settings.config_file.empty()) return access_from_file(settings.config_file);
  if (!settings.config_b64.empty()) return access_from_base64(settings.config_b64);
  return access_inferred(environment);
}

}  // namespace trellis::kubernetes
