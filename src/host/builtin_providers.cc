#include "host/builtin_providers.h"

#include <algorithm>

#include "httpclient/http_client_provider.h"
#include "httpserver/http_provider.h"
#include "keyvalue/embedded_provider.h"
#include "keyvalue/redis_provider.h"
#include "messaging/messaging_provider.h"

namespace trellis::host {
namespace {

template <class Provider>
std::unique_ptr<capability::Provider> make(capability::ProviderContext context) {
  return std::make_unique<Provider>(std::move(context));
}

BuiltinProvider http_server() {
  return {.name = "httpserver",
          .references = {"wasmcloud.azurecr.io/httpserver", "ghcr.io/wasmcloud/httpserver"},
          .info = {.public_key = std::string(httpserver::kPublicKey),
                   .contract_id = "wasmcloud:httpserver",
                   .name = "HTTP Server",
                   .vendor = "Trellis",
                   .version = TRELLIS_VERSION,
                   .revision = 1},
          .make = make<httpserver::HttpProvider>};
}

BuiltinProvider http_client() {
  return {.name = "httpclient",
          .references = {"wasmcloud.azurecr.io/httpclient", "ghcr.io/wasmcloud/httpclient"},
          .info = {.public_key = std::string(httpclient::kPublicKey),
                   .contract_id = "wasmcloud:httpclient",
                   .name = "HTTP Client",
                   .vendor = "Trellis",
                   .version = TRELLIS_VERSION,
                   .revision = 1},
          .make = make<httpclient::HttpClientProvider>};
}

BuiltinProvider redis() {
  return {.name = "kvredis",
          .references = {"wasmcloud.azurecr.io/kvredis", "ghcr.io/wasmcloud/kvredis"},
          .info = {.public_key = std::string(keyvalue::kRedisPublicKey),
                   .contract_id = "wasmcloud:keyvalue",
                   .name = "KeyValue Redis Provider",
                   .vendor = "Trellis",
                   .version = TRELLIS_VERSION,
                   .revision = 1},
          .make = make<keyvalue::RedisProvider>};
}

BuiltinProvider nats_messaging() {
  return {.name = "nats_messaging",
          .references = {"wasmcloud.azurecr.io/nats_messaging", "ghcr.io/wasmcloud/nats_messaging"},
          .info = {.public_key = std::string(messaging::kPublicKey),
                   .contract_id = "wasmcloud:messaging",
                   .name = "NATS Messaging Provider",
                   .vendor = "Trellis",
                   .version = TRELLIS_VERSION,
                   .revision = 1},
          .make = make<messaging::MessagingProvider>};
}

BuiltinProvider embedded_store() {
  return {.name = "keyvalue",
          .references = {},
          .info = {.public_key = std::string(keyvalue::kEmbeddedPublicKey),
                   .contract_id = "wasmcloud:keyvalue",
                   .name = "Embedded KeyValue Store",
                   .vendor = "Trellis",
                   .version = TRELLIS_VERSION,
                   .revision = 1},
          .make = make<keyvalue::EmbeddedProvider>};
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
  static const std::vector<BuiltinProvider> kAll{http_server(), http_client(), nats_messaging(),
                                                 redis(), embedded_store()};
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
