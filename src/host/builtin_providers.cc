#include "host/builtin_providers.h"

#include <algorithm>

#include "httpserver/http_provider.h"

namespace trellis::host {
namespace {

BuiltinProvider http_server() {
  return {.name = "httpserver",
          .references = {"wasmcloud.azurecr.io/httpserver", "ghcr.io/wasmcloud/httpserver"},
          .info = {.public_key = std::string(httpserver::kPublicKey),
                   .contract_id = "wasmcloud:httpserver",
                   .name = "HTTP Server",
                   .vendor = "Trellis",
                   .version = TRELLIS_VERSION,
                   .revision = 1},
          .make = [](capability::ProviderContext context) -> std::unique_ptr<capability::Provider> {
            return std::make_unique<httpserver::HttpProvider>(std::move(context));
          }};
}

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

const std::vector<BuiltinProvider>& builtin_providers() {
  static const std::vector<BuiltinProvider> kAll{http_server()};
  return kAll;
}

const BuiltinProvider* find_builtin(std::string_view reference) {
  const auto name = without_tag(reference);
  for (const auto& provider : builtin_providers()) {
    if (reference == "builtin:" + provider.name ||
        std::find(provider.references.begin(), provider.references.end(), name) !=
            provider.references.end()) {
      return &provider;
    }
  }
  return nullptr;
}

bool is_external(const std::vector<std::string>& wanted, const BuiltinProvider& builtin,
                 std::string_view reference) {
  if (reference.starts_with("builtin:")) return false;
  return std::any_of(wanted.begin(), wanted.end(), [&](const std::string& name) {
    return name == "all" || name == builtin.name || name == reference ||
           name == without_tag(reference);
  });
}

}  // namespace trellis::host
