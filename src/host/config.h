// What a host is told at its start: the environment of docs/protocol.md §9.1, under the names of
// 2022, and ours (TRELLIS_*). Read once in main() and passed down. docs/configuration.md lists
// every variable.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/limits.h"
#include "base/log.h"
#include "base/result.h"
#include "control/manifest.h"
#include "host/allowed_issuers.h"
#include "registry/credentials.h"
#include "registry/environment.h"
#include "registry/settings.h"

namespace trellis::host {

// One of the connections to the lattice: WASMCLOUD_RPC_*, _PROV_RPC_*, _CTL_*.
struct BusConnection {
  std::string host = "127.0.0.1";
  std::uint16_t port = 4222;
  std::string jwt, seed;  // of a NATS user; a seed alone is an nkey
  bool tls = false;
  bool operator==(const BusConnection&) const = default;
};

struct Config {
  std::string lattice = "default";  // WASMCLOUD_LATTICE_PREFIX
  std::string host_seed,
      cluster_seed;  // WASMCLOUD_HOST_SEED, WASMCLOUD_CLUSTER_SEED; "" makes new ones
  std::vector<std::string> cluster_issuers;    // WASMCLOUD_CLUSTER_ISSUERS
  std::string control_prefix = "wasmbus.ctl";  // WASMCLOUD_CTL_TOPIC_PREFIX
  // TRELLIS_BUS: a NATS server that is there (`nats`), or a bus of this host's own (`embedded`),
  // which then listens where `rpc` says. When nothing is said: NATS if `rpc` is on another machine
  // or has credentials or TLS.
  bool join_nats = false;
  BusConnection rpc{}, provider_rpc{}, control{};
  std::string nats_ca_file, nats_cert_file, nats_key_file;      // TRELLIS_NATS_CA, _CERT, _KEY
  std::string js_domain;                                        // WASMCLOUD_JS_DOMAIN
  std::chrono::milliseconds rpc_timeout = limits::kRpcTimeout;  // WASMCLOUD_RPC_TIMEOUT_MS
  std::chrono::milliseconds shutdown_delay{300};                // WASMCLOUD_PROV_SHUTDOWN_DELAY_MS
  bool allow_latest = false;                                    // WASMCLOUD_OCI_ALLOW_LATEST
  std::string dashboard_host = "127.0.0.1";                     // WASMCLOUD_DASHBOARD_HOST
  std::uint16_t dashboard_port = 4000;                          // WASMCLOUD_DASHBOARD_PORT, PORT
  log::Options log;                           // WASMCLOUD_STRUCTURED_LOGGING_ENABLED, _LOG_LEVEL
  std::map<std::string, std::string> labels;  // HOST_<name>, and hostcore.*
  bool config_service = false;                // WASMCLOUD_CONFIG_SERVICE
  std::string policy_topic;                   // WASMCLOUD_POLICY_TOPIC; "": nobody is asked
  std::string policy_changes_topic;           // WASMCLOUD_POLICY_CHANGES_TOPIC
  std::chrono::milliseconds policy_timeout{1000};  // WASMCLOUD_POLICY_TIMEOUT

  AllowedIssuers actor_issuers;     // TRELLIS_ALLOWED_ACTOR_ISSUERS
  AllowedIssuers provider_issuers;  // TRELLIS_ALLOWED_PROVIDER_ISSUERS
  unsigned cores = 0;               // TRELLIS_CORES; 0: one per hardware thread
  std::string data_dir;             // TRELLIS_DATA_DIR: links, claims, references
  std::string cache_dir;            // TRELLIS_CACHE_DIR: compiled code
  std::string providers_dir;        // TRELLIS_PROVIDERS_DIR: the programs of provider archives
  std::vector<std::string> external_providers;  // TRELLIS_EXTERNAL_PROVIDERS: not the built-in
                                                // ones; "all", names, references
  std::vector<std::string> child_environment;   // NAME=value, for the processes of providers
  std::vector<std::string>
      artifact_layouts;            // TRELLIS_ARTIFACTS (colon-separated), else the installed one
  bool registry_first = false;     // TRELLIS_ARTIFACTS_FIRST: "registry" or "layouts"
  std::string artifact_cache_dir;  // TRELLIS_ARTIFACT_CACHE_DIR: what registries gave
  registry::Settings registries = {};  // TRELLIS_REGISTRIES, WASMCLOUD_OCI_ALLOWED_INSECURE
  registry::Credentials::Options registry_credentials = {};  // OCI_REGISTRY…, docker's config.json
  std::vector<std::string>
      reuse_actors;  // TRELLIS_REUSE_ACTORS: keys or references run in `reuse` mode
  std::uint32_t actor_calls_max = limits::kActorCallsMax;             // TRELLIS_ACTOR_CALLS_MAX
  std::size_t actor_memory_bytes_max = limits::kGuestMemoryBytesMax;  // TRELLIS_ACTOR_MEMORY_MIB
  // TRELLIS_GUEST_MEMORY_MIB: of all guests together; 0: a part of what there is (host_memory.h)
  std::size_t guest_memory_bytes_max = 0;
  std::chrono::milliseconds drain_delay{0};  // TRELLIS_DRAIN_DELAY_MS: it serves on after SIGTERM
  std::chrono::milliseconds drain_timeout = limits::kDrainTimeout;  // TRELLIS_DRAIN_TIMEOUT_MS
  bool api_remote = false;     // TRELLIS_API_REMOTE: page and API for callers from elsewhere too
  std::string manifest_path;   // TRELLIS_MANIFEST: what this host runs from its start
  control::Manifest manifest;  // which is what stands there
  std::string nats_relay;      // TRELLIS_NATS_RELAY: an address that leads to the NATS server
  // TRELLIS_RESTARTS, TRELLIS_LAST_DEATH: from `trellis --keep`, when it started this host in the
  // place of one that was killed.
  unsigned restarts = 0;
  std::string last_death;
  bool write_host_config = true;  // TRELLIS_WRITE_HOST_CONFIG=0: leave ~/.wash alone
};

// `get` looks a variable up; `all` is every NAME=value (for labels). Errors name the variable, the
// value and what was expected.
using Environment = registry::Environment;
Result<Config> read_config(const Environment& get, const std::vector<std::string>& all);
Result<Config> read_config_from_process();

}  // namespace trellis::host
