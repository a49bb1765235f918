#include "host/config.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <iterator>

#include "artifact/file_io.h"
#include "artifact/reference.h"
#include "claims/nkey.h"
#include "host/builtin_references.h"
#include "lattice/nats_text.h"
#include "lattice/subjects.h"
#include "net/bind.h"
#include "registry/cache.h"

extern char** environ;

namespace trellis::host {
namespace {

constexpr const char* kSite = "host.config";

Result<std::uint64_t> number(const Environment& get, const std::string& name,
                             std::uint64_t otherwise, std::uint64_t min, std::uint64_t max) {
  const auto text = get(name);
  if (!text || text->empty()) return otherwise;
  std::uint64_t value = 0;
  const auto* end = text->data() + text->size();
  const auto [stop, ec] = std::from_chars(text->data(), end, value);
  if (ec != std::errc{} || stop != end || value < min || value > max) {
    return fail(Errc::invalid, kSite,
                fmt::format("{}='{}' is not a number from {} to {}", name, *text, min, max));
  }
  return value;
}

std::string text_or(const Environment& get, const char* name, std::string otherwise) {
  auto value = get(name);
  return value && !value->empty() ? *value : std::move(otherwise);
}

Result<std::string> read_text_file(const std::string& path, const std::string& variable) {
  std::ifstream file(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(file), {}};
  if (!file || text.empty())
    return fail(Errc::invalid, kSite,
                fmt::format("{}={}: the file cannot be read, or is empty", variable, path));
  text.erase(text.find_last_not_of(" \t\r\n") + 1);
  return text;
}

bool flag(const Environment& get, const char* name, bool otherwise) {
  auto value = text_or(get, name, "");
  if (value.empty()) return otherwise;
  std::transform(value.begin(), value.end(), value.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return value == "1" || value == "true" || value == "yes" || value == "on";
}

// The words that 2022 took for yes, and those of our other switches: `wash up
// --config-service-enabled` has always set 1, which 2022 took for no (docs/protocol.md §9.1).
bool config_service_enabled(const Environment& get) {
  constexpr const char* kName = "WASMCLOUD_CONFIG_SERVICE";
  if (flag(get, kName, false)) return true;
  auto word = text_or(get, kName, "");
  std::transform(word.begin(), word.end(), word.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return word == "Y" || word == "YOU BETCHA" || word == "YUPPERS" || word == "TOTES" ||
         word == "ENABLED";
}

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> out;
  std::size_t from = 0;
  while (from <= text.size()) {
    const auto to = std::min(text.find(separator, from), text.size());
    auto part = text.substr(from, to - from);
    part.erase(0, part.find_first_not_of(' '));
    part.erase(part.find_last_not_of(' ') + 1);
    if (!part.empty()) out.push_back(std::move(part));
    from = to + 1;
  }
  return out;
}

std::map<std::string, std::string> labels_from(const std::vector<std::string>& all) {
  std::map<std::string, std::string> labels;
  for (const auto& entry : all) {
    const auto equals = entry.find('=');
    if (!entry.starts_with("HOST_") || equals == std::string::npos || equals == 5) continue;
    std::string key = entry.substr(5, equals - 5);
    std::transform(key.begin(), key.end(), key.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    labels[key] = entry.substr(equals + 1);
  }
#if defined(__x86_64__)
  labels["hostcore.arch"] = "x86_64";
#elif defined(__aarch64__)
  labels["hostcore.arch"] = "aarch64";
#else
#error "tell docs/protocol.md §9.2 what this processor is called"
#endif
  labels["hostcore.os"] = "linux";
  labels["hostcore.osfamily"] = "unix";
  return labels;
}

// A provider gets the environment of its host (docs/protocol.md §4.1), but not the host's own
// secrets: what it needs of them is in its host data.
std::vector<std::string> environment_for_children(const std::vector<std::string>& all) {
  std::vector<std::string> out;
  for (const auto& entry : all) {
    const auto name = std::string_view(entry).substr(0, entry.find('='));
    const bool ours = name.starts_with("WASMCLOUD_") || name.starts_with("TRELLIS_") ||
                      name.starts_with("OCI_REGISTRY");
    bool secret = false;
    for (const char* word : {"SEED", "JWT", "CREDS", "PASSWORD", "TOKEN"})
      secret = secret || (ours && name.find(word) != std::string_view::npos);
    if (!secret) out.push_back(entry);
  }
  return out;
}

// The value, or what the file holds that it names, as wash has it.
Result<std::string> text_or_file(const Environment& get, const std::string& name) {
  auto value = text_or(get, name.c_str(), "");
  if (!value.starts_with('/')) return value;
  TRY(const auto text, read_text_file(value, name));
  return text;
}

// Before anybody connects with it: whoever does knows no variables.
Result<void> check_user_seed(const std::string& seed, const std::string& from) {
  const auto key = claims::KeyPair::from_seed(seed);
  if (key && key->type() == claims::KeyType::user) return {};
  return fail(Errc::invalid, kSite,
              fmt::format("{} is not the seed of a NATS user, of the form SU… (58 characters): {}",
                          from, key ? "it is a key of another kind" : key.error().detail));
}

Result<BusConnection> read_connection(const Environment& get, const std::string& prefix,
                                      BusConnection connection) {
  connection.host = text_or(get, (prefix + "HOST").c_str(), connection.host);
  TRY(const auto port, number(get, prefix + "PORT", connection.port, 0, 65535));
  connection.port = static_cast<std::uint16_t>(port);
  TRY(auto jwt, text_or_file(get, prefix + "JWT"));
  TRY(auto seed, text_or_file(get, prefix + "SEED"));
  if (!seed.empty()) TRY_OK(check_user_seed(seed, prefix + "SEED"));
  if (const auto file = text_or(get, (prefix + "CREDSFILE").c_str(), ""); !file.empty()) {
    TRY(const auto text, read_text_file(file, prefix + "CREDSFILE"));
    auto credentials = lattice::parse_nats_credentials(text);
    if (!credentials)
      return fail(Errc::invalid, kSite,
                  fmt::format("{}CREDSFILE={}: {}", prefix, file, credentials.error().detail));
    TRY_OK(check_user_seed(credentials->seed,
                           fmt::format("{}CREDSFILE={}: what is there", prefix, file)));
    jwt = credentials->jwt;
    seed = credentials->seed;
  }
  if (!jwt.empty() && seed.empty())
    return fail(Errc::invalid, kSite,
                fmt::format("{0}JWT is set and {0}SEED is not: a JWT for NATS needs the seed that "
                            "goes with it",
                            prefix));
  if (!seed.empty()) {  // who it is, as a whole: not one's token with another's seed
    connection.jwt = std::move(jwt);
    connection.seed = std::move(seed);
  }
  connection.tls = flag(get, (prefix + "TLS").c_str(), connection.tls);
  return connection;
}

Result<void> read_relay(const Environment& get, Config& config) {
  constexpr const char* kName = "TRELLIS_NATS_RELAY";
  config.nats_relay = text_or(get, kName, "");
  if (config.nats_relay.empty()) return {};
  const auto refuse = [&](std::string_view why) {
    return fail(Errc::invalid, kSite, fmt::format("{}={}: {}", kName, config.nats_relay, why));
  };
  const auto address = net::parse_address(config.nats_relay);
  if (!address)
    return refuse(fmt::format("{}; write ip:port, such as 0.0.0.0:4222", address.error().detail));
  if (!config.join_nats)
    return refuse(
        "this host's own bus listens for NATS clients itself; take the variable away, or name a "
        "NATS server with WASMCLOUD_RPC_HOST and TRELLIS_BUS=nats");
  if (address->port() == config.rpc.port && lattice::is_this_machine(config.rpc.host))
    return refuse(
        fmt::format("that is where the NATS server itself is ({}:{}); take the variable away, or "
                    "choose another port",
                    config.rpc.host, config.rpc.port));
  return {};
}

// The other two connections go where calls go, unless they are told otherwise (§9.1).
Result<void> read_bus(const Environment& get, Config& config) {
  TRY(config.rpc, read_connection(get, "WASMCLOUD_RPC_", config.rpc));
  TRY(config.provider_rpc, read_connection(get, "WASMCLOUD_PROV_RPC_", config.rpc));
  TRY(config.control, read_connection(get, "WASMCLOUD_CTL_", config.rpc));
  config.nats_ca_file = text_or(get, "TRELLIS_NATS_CA", "");
  config.nats_cert_file = text_or(get, "TRELLIS_NATS_CERT", "");
  config.nats_key_file = text_or(get, "TRELLIS_NATS_KEY", "");
  config.js_domain = text_or(get, "WASMCLOUD_JS_DOMAIN", "");
  if (config.nats_cert_file.empty() != config.nats_key_file.empty())
    return fail(Errc::invalid, kSite,
                "TRELLIS_NATS_CERT and TRELLIS_NATS_KEY go together: one of them is missing");
  const auto bus = text_or(get, "TRELLIS_BUS", "");
  if (!bus.empty() && bus != "nats" && bus != "embedded")
    return fail(Errc::invalid, kSite,
                fmt::format("TRELLIS_BUS='{}' is neither 'nats' nor 'embedded'", bus));
  const auto& rpc = config.rpc;
  config.join_nats =
      bus == "nats" || (bus.empty() && (!lattice::is_this_machine(rpc.host) || rpc.tls ||
                                        !rpc.jwt.empty() || !rpc.seed.empty()));
  if (config.join_nats && rpc.port == 0)
    return fail(Errc::invalid, kSite, "WASMCLOUD_RPC_PORT=0 is no port of a NATS server");
  return read_relay(get, config);
}

Result<void> read_addresses(const Environment& get, Config& config) {
  TRY_OK(read_bus(get, config));
  config.dashboard_host = text_or(get, "WASMCLOUD_DASHBOARD_HOST", config.dashboard_host);
  TRY(const auto older, number(get, "PORT", config.dashboard_port, 0, 65535));
  TRY(const auto port, number(get, "WASMCLOUD_DASHBOARD_PORT", older, 0, 65535));
  config.dashboard_port = static_cast<std::uint16_t>(port);
  config.api_remote = flag(get, "TRELLIS_API_REMOTE", false);
  return {};
}

Result<void> read_limits(const Environment& get, Config& config) {
  TRY(const auto rpc, number(get, "WASMCLOUD_RPC_TIMEOUT_MS", 2000, 1, 3'600'000));
  config.rpc_timeout = std::chrono::milliseconds(rpc);
  TRY(const auto delay, number(get, "WASMCLOUD_PROV_SHUTDOWN_DELAY_MS", 300, 0, 600'000));
  config.shutdown_delay = std::chrono::milliseconds(delay);
  TRY(const auto cores, number(get, "TRELLIS_CORES", 0, 0, 256));
  config.cores = static_cast<unsigned>(cores);
  TRY(const auto calls, number(get, "TRELLIS_ACTOR_CALLS_MAX", config.actor_calls_max, 1, 100'000));
  config.actor_calls_max = static_cast<std::uint32_t>(calls);
  TRY(const auto memory,
      number(get, "TRELLIS_ACTOR_MEMORY_MIB", config.actor_memory_bytes_max >> 20, 1, 4096));
  config.actor_memory_bytes_max = memory << 20;
  constexpr std::uint64_t kMibMax = 16 << 20;
  TRY(const auto all, number(get, "TRELLIS_GUEST_MEMORY_MIB", 0, 1, kMibMax));
  config.guest_memory_bytes_max = all << 20;
  TRY(const auto drain_delay, number(get, "TRELLIS_DRAIN_DELAY_MS", 0, 0, 600'000));
  config.drain_delay = std::chrono::milliseconds(drain_delay);
  constexpr std::chrono::milliseconds kDrain = limits::kDrainTimeout;
  TRY(const auto drain, number(get, "TRELLIS_DRAIN_TIMEOUT_MS",
                               static_cast<std::uint64_t>(kDrain.count()), 100, 3'600'000));
  config.drain_timeout = std::chrono::milliseconds(drain);
  return {};
}

Result<std::string> read_value_file(const std::string& path) {
  TRY(const auto bytes, artifact::read_file(path, limits::kManifestBytesMax));
  return std::string(as_text(bytes));
}

Result<control::Manifest> parse_host_manifest(const std::string& text) {
  TRY(auto manifest, control::parse_manifest(text, {.strict = true, .read_file = read_value_file}));
  const auto check = [](const std::string& reference, std::size_t line) -> Result<void> {
    const auto parsed = artifact::parse_reference(reference);
    if (parsed) return {};
    return fail(Errc::invalid, kSite, fmt::format("line {}: {}", line, parsed.error().detail));
  };
  for (const auto& actor : manifest.actors) TRY_OK(check(actor.image_ref, actor.line));
  for (const auto& capability : manifest.capabilities) {
    if (find_builtin(capability.image_ref) == nullptr)
      TRY_OK(check(capability.image_ref, capability.line));
    if (!lattice::valid_token(capability.link_name))
      return fail(Errc::invalid, kSite,
                  fmt::format("line {}: link name '{}' must be one word without '.', '*', '>' or "
                              "blanks",
                              capability.line, capability.link_name));
  }
  for (const auto& [link, line] : manifest.links) {
    if (!lattice::valid_token(link.link_name))
      return fail(Errc::invalid, kSite,
                  fmt::format("line {}: link name '{}' must be one word without '.', '*', '>' or "
                              "blanks",
                              line, link.link_name));
  }
  return manifest;
}

Result<void> read_manifest(const Environment& get, Config& config) {
  constexpr const char* kName = "TRELLIS_MANIFEST";
  config.manifest_path = text_or(get, kName, "");
  if (config.manifest_path.empty()) return {};
  TRY(const auto text, read_text_file(config.manifest_path, kName));
  auto manifest = parse_host_manifest(text);
  if (!manifest)
    return fail(Errc::invalid, kSite,
                fmt::format("{}={}: {}", kName, config.manifest_path, manifest.error().detail));
  config.manifest = *std::move(manifest);
  return {};
}

Result<void> read_policy(const Environment& get, Config& config) {
  const std::pair<const char*, std::string*> topics[] = {
      {"WASMCLOUD_POLICY_TOPIC", &config.policy_topic},
      {"WASMCLOUD_POLICY_CHANGES_TOPIC", &config.policy_changes_topic}};
  for (const auto& [name, topic] : topics) {
    *topic = text_or(get, name, "");
    if (topic->empty() || lattice::valid_subject(*topic)) continue;
    return fail(Errc::invalid, kSite,
                fmt::format("{}='{}' is not a subject: words with '.' between, without '*', '>' or "
                            "blanks",
                            name, *topic));
  }
  TRY(const auto timeout, number(get, "WASMCLOUD_POLICY_TIMEOUT", 1000, 1, 600'000));
  config.policy_timeout = std::chrono::milliseconds(timeout);
  return {};
}

Result<void> read_issuers(const Environment& get, Config& config) {
  const std::pair<const char*, AllowedIssuers*> lists[] = {
      {"TRELLIS_ALLOWED_ACTOR_ISSUERS", &config.actor_issuers},
      {"TRELLIS_ALLOWED_PROVIDER_ISSUERS", &config.provider_issuers}};
  for (const auto& [name, list] : lists) {
    TRY(*list, AllowedIssuers::parse(name, split(text_or(get, name, ""), ',')));
  }
  return {};
}

Result<void> read_registries(const Environment& get, Config& config) {
  TRY(config.registries, registry::Settings::from_environment(get));
  config.registry_credentials = registry::Credentials::from_environment(get);
  config.artifact_cache_dir = registry::default_cache_dir(get);
  const auto first = text_or(get, "TRELLIS_ARTIFACTS_FIRST", "layouts");
  if (first != "layouts" && first != "registry") {
    return fail(
        Errc::invalid, kSite,
        fmt::format("TRELLIS_ARTIFACTS_FIRST='{}' is neither 'layouts' nor 'registry'", first));
  }
  config.registry_first = first == "registry";
  return {};
}

Result<log::Level> read_log_level(const Environment& get) {
  constexpr const char* kName = "WASMCLOUD_STRUCTURED_LOG_LEVEL";
  const auto name = text_or(get, kName, "info");
  if (const auto level = log::parse_level(name)) return *level;
  return fail(Errc::invalid, kSite,
              fmt::format("{}='{}' is none of debug, info, warn, error", kName, name));
}

void read_folders(const Environment& get, Config& config) {
  const std::string home = text_or(get, "HOME", "/tmp");
  const auto under = [&](const char* xdg, const char* otherwise) {
    return text_or(get, xdg, home + "/" + otherwise) + "/trellis";
  };
  config.data_dir = text_or(get, "TRELLIS_DATA_DIR", under("XDG_STATE_HOME", ".local/state"));
  const std::string cache = under("XDG_CACHE_HOME", ".cache");
  config.cache_dir = text_or(get, "TRELLIS_CACHE_DIR", cache + "/code");
  config.providers_dir = text_or(get, "TRELLIS_PROVIDERS_DIR", cache + "/providers");
  config.artifact_layouts = split(text_or(get, "TRELLIS_ARTIFACTS", ""), ':');
}

}  // namespace

Result<Config> read_config(const Environment& get, const std::vector<std::string>& all) {
  Config config;
  config.lattice = text_or(get, "WASMCLOUD_LATTICE_PREFIX", config.lattice);
  if (config.lattice.find_first_of(".*> \t") != std::string::npos) {
    return fail(
        Errc::invalid, kSite,
        fmt::format(
            "WASMCLOUD_LATTICE_PREFIX='{}' must be one word without '.', '*', '>' or blanks",
            config.lattice));
  }
  config.control_prefix = text_or(get, "WASMCLOUD_CTL_TOPIC_PREFIX", config.control_prefix);
  config.host_seed = text_or(get, "WASMCLOUD_HOST_SEED", "");
  config.cluster_seed = text_or(get, "WASMCLOUD_CLUSTER_SEED", "");
  config.cluster_issuers = split(text_or(get, "WASMCLOUD_CLUSTER_ISSUERS", ""), ',');
  config.allow_latest = flag(get, "WASMCLOUD_OCI_ALLOW_LATEST", false);
  config.log.json = flag(get, "WASMCLOUD_STRUCTURED_LOGGING_ENABLED", false);
  TRY(config.log.level, read_log_level(get));
  TRY(const auto restarts, number(get, "TRELLIS_RESTARTS", 0, 0, UINT32_MAX));
  config.restarts = static_cast<unsigned>(restarts);
  config.last_death = text_or(get, "TRELLIS_LAST_DEATH", "");
  config.write_host_config = flag(get, "TRELLIS_WRITE_HOST_CONFIG", true);
  config.reuse_actors = split(text_or(get, "TRELLIS_REUSE_ACTORS", ""), ',');
  config.external_providers = split(text_or(get, "TRELLIS_EXTERNAL_PROVIDERS", ""), ',');
  config.child_environment = environment_for_children(all);
  config.labels = labels_from(all);
  TRY_OK(read_addresses(get, config));
  TRY_OK(read_limits(get, config));
  TRY_OK(read_registries(get, config));
  TRY_OK(read_policy(get, config));
  TRY_OK(read_issuers(get, config));
  TRY_OK(read_manifest(get, config));
  config.config_service = config_service_enabled(get);
  read_folders(get, config);
  return config;
}

Result<Config> read_config_from_process() {
  std::vector<std::string> all;
  for (char** entry = environ; *entry != nullptr; ++entry) all.emplace_back(*entry);
  return read_config(registry::process_environment(), all);
}

}  // namespace trellis::host
