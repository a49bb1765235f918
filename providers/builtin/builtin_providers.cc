#include "builtin/builtin_providers.h"

#include <fmt/format.h>

#include "httpclient/http_client_provider.h"
#include "httpserver/http_provider.h"
#include "keyvalue/embedded_provider.h"
#include "keyvalue/redis_provider.h"
#include "kubernetes/kubernetes_provider.h"
#include "messaging/messaging_provider.h"

namespace trellis::builtin {
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

BuiltinProvider kubernetes_applier() {
  return {.name = "applier",
          .references = {"wasmcloud.azurecr.io/applier", "ghcr.io/cosmonic/applier"},
          .info = {.public_key = std::string(kubernetes::kPublicKey),
                   .contract_id = std::string(capability::kKubernetesContract),
                   .name = "Kubernetes Applier",
                   .vendor = "Trellis",
                   .version = TRELLIS_VERSION,
                   .revision = 1},
          .make = make<kubernetes::KubernetesProvider>};
}

}  // namespace

const std::vector<BuiltinProvider>& builtin_providers() {
  static const std::vector<BuiltinProvider> kAll{http_server(),    http_client(),
                                                 nats_messaging(), redis(),
                                                 embedded_store(), kubernetes_applier()};
  return kAll;
}

const BuiltinProvider* find_by_name(std::string_view name) {
  for (const auto& provider : builtin_providers())
    if (provider.name == name) return &provider;
  return nullptr;
}

const BuiltinProvider* find_by_key(std::string_view public_key) {
  for (const auto& provider : builtin_providers())
    if (provider.info.public_key == public_key) return &provider;
  return nullptr;
}

std::string data_dir_of(const BuiltinProvider& provider, std::string_view data_dir,
                        std::string_view lattice) {
  return fmt::format("{}/{}/{}", data_dir, lattice, provider.name);
}

}  // namespace trellis::builtin
