#include "host/builtin_references.h"

#include <algorithm>

namespace trellis::host {
namespace {

// "registry/name" of "registry/name:tag@digest"; a ':' before the last '/' belongs to a port.
std::string_view without_tag(std::string_view reference) {
  reference = reference.substr(0, reference.find('@'));
  const auto slash = reference.rfind('/');
  const auto colon = reference.rfind(':');
  const bool tagged =
      colon != std::string_view::npos && (slash == std::string_view::npos || colon > slash);
  return tagged ? reference.substr(0, colon) : reference;
}

}  // namespace

const builtin::BuiltinProvider* find_builtin(std::string_view reference) {
  const auto name = without_tag(reference);
  for (const auto& provider : builtin::builtin_providers()) {
    if (reference == "builtin:" + provider.name ||
        std::find(provider.references.begin(), provider.references.end(), name) !=
            provider.references.end()) {
      return &provider;
    }
  }
  return nullptr;
}

bool is_external(const std::vector<std::string>& wanted, const builtin::BuiltinProvider& provider,
                 std::string_view reference) {
  if (reference.starts_with("builtin:")) return false;
  return std::any_of(wanted.begin(), wanted.end(), [&](const std::string& name) {
    return name == "all" || name == provider.name || name == reference ||
           name == without_tag(reference);
  });
}

}  // namespace trellis::host
