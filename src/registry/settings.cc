#include "registry/settings.h"

#include <fmt/format.h>

#include <filesystem>

#define TOML_EXCEPTIONS 0
#include <toml++/toml.h>

#include "artifact/file_io.h"
#include "artifact/foreign_text.h"
#include "base/units.h"
#include "registry/docker_config.h"
#include "registry/url.h"

namespace trellis::registry {
namespace {

constexpr std::size_t kFileBytesMax = 1_MiB;
constexpr std::size_t kMirrorsMax = 16;
constexpr const char* kAny = "*";

tl::unexpected<Error> bad(std::string why) {
  return fail(Errc::invalid, "registry.settings", std::move(why));
}

std::string at(const toml::node& node) { return fmt::format("line {}", node.source().begin.line); }

// host[:port] or host[:port]/folder, as references have them.
bool is_place(const std::string& text, bool folder_allowed) {
  const auto reference = artifact::parse_reference(text + "/x:1");
  return reference && !reference->registry.empty() &&
         (folder_allowed || reference->repository == "x");
}

Result<std::string> text_of(const toml::node& node, std::string_view key) {
  const auto text = node.value<std::string>();
  if (!text || text->empty()) return bad(fmt::format("{}: {} must be text", at(node), key));
  return *text;
}

Result<std::vector<std::string>> mirrors_of(const toml::node& node) {
  const auto* list = node.as_array();
  if (list == nullptr) {
    return bad(fmt::format("{}: mirrors must be a list, such as [\"localhost:5000\"]", at(node)));
  }
  std::vector<std::string> mirrors;
  for (const auto& item : *list) {
    TRY(auto mirror, text_of(item, "a mirror"));
    if (!is_place(mirror, true) || mirrors.size() == kMirrorsMax) {
      return bad(
          fmt::format("{}: '{}' cannot be a mirror: write up to {} as host, host:port or "
                      "host:port/folder",
                      at(item), artifact::shown(mirror), kMirrorsMax));
    }
    mirrors.push_back(std::move(mirror));
  }
  return mirrors;
}

Result<Settings::Registry> parse_registry(const toml::table& table, const std::string& folder) {
  Settings::Registry registry;
  for (const auto& [option, value] : table) {
    if (option.str() == "ca_file") {
      TRY(const auto file, text_of(value, "ca_file"));
      registry.ca_file = (std::filesystem::path(folder) / file).string();
    } else if (option.str() == "plain_http" && value.is_boolean()) {
      registry.plain_http = **value.as_boolean();
    } else if (option.str() == "mirrors") {
      TRY(registry.mirrors, mirrors_of(value));
    } else {
      return bad(
          fmt::format("{}: '{}' is not known here; there are ca_file = \"…\", plain_http = "
                      "true and mirrors = [\"…\"]",
                      at(value), artifact::shown(option.str())));
    }
  }
  if (registry.plain_http && !registry.ca_file.empty()) {
    return bad(fmt::format("{}: plain_http has no use for a ca_file", at(table)));
  }
  return registry;
}

std::string default_file(const Environment& get) {
  auto folder = variable(get, "XDG_CONFIG_HOME");
  if (folder.empty()) folder = variable(get, "HOME") + "/.config";
  const auto path = folder + "/trellis/registries.toml";
  std::error_code ignored;
  return std::filesystem::exists(path, ignored) ? path : std::string();
}

}  // namespace

Result<Settings> Settings::parse(std::string_view text, const std::string& folder) {
  const auto parsed = toml::parse(text);
  if (!parsed) {
    return bad(fmt::format("line {}: {}", parsed.error().source().begin.line,
                           parsed.error().description()));
  }
  Settings settings;
  for (const auto& [top, node] : parsed.table()) {
    const auto* names = node.as_table();
    if (top.str() != "registry" || names == nullptr) {
      return bad(fmt::format("{}: '{}' is not known; tables are [registry.\"host:port\"]", at(node),
                             artifact::shown(top.str())));
    }
    for (const auto& [key, entry] : *names) {
      const std::string name(key.str());
      const auto* table = entry.as_table();
      if (table == nullptr || (name != kAny && !is_place(name, false))) {
        return bad(fmt::format("{}: [registry.\"{}\"] must name a host, a host:port or \"*\"",
                               at(entry), artifact::shown(name)));
      }
      TRY(settings.registries_[normalized_registry(name)], parse_registry(*table, folder));
    }
  }
  return settings;
}

Result<Settings> Settings::read(const std::string& path) {
  TRY(const auto text, artifact::read_file(path, kFileBytesMax));
  auto settings = parse(as_text(text), std::filesystem::path(path).parent_path().string());
  if (settings) return settings;
  return fail(settings.error().code, settings.error().site,
              fmt::format("'{}', {}", path, settings.error().detail));
}

Result<Settings> Settings::from_environment(const Environment& get) {
  Settings settings;
  const auto named = variable(get, "TRELLIS_REGISTRIES");
  const auto path = named.empty() ? default_file(get) : named;
  if (!path.empty()) {
    auto read_settings = read(path);
    if (!read_settings) {
      return fail(read_settings.error().code, read_settings.error().site,
                  fmt::format("{}{}", named.empty() ? "" : "TRELLIS_REGISTRIES: ",
                              read_settings.error().detail));
    }
    settings = *std::move(read_settings);
  }
  const auto insecure = variable(get, "WASMCLOUD_OCI_ALLOWED_INSECURE");
  for (std::size_t from = 0; from < insecure.size();) {
    const auto to = std::min(insecure.find(',', from), insecure.size());
    settings.allow_plain_http(std::string_view(insecure).substr(from, to - from));
    from = to + 1;
  }
  return settings;
}

void Settings::allow_plain_http(std::string_view registry) {
  while (registry.starts_with(' ')) registry.remove_prefix(1);
  while (registry.ends_with(' ')) registry.remove_suffix(1);
  if (!registry.empty()) plain_.insert(normalized_registry(registry));
}

const Settings::Registry& Settings::of(const std::string& registry) const {
  static const Registry kNone;
  auto found = registries_.find(registry);
  if (found == registries_.end()) found = registries_.find(kAny);
  return found == registries_.end() ? kNone : found->second;
}

Endpoint Settings::endpoint(const std::string& registry, const std::string& repository) const {
  Endpoint endpoint;
  endpoint.name = normalized_registry(registry);
  const bool hub = endpoint.name == "docker.io";
  endpoint.host = hub ? "registry-1.docker.io" : endpoint.name;
  // Docker Hub's own repositories are written without their folder.
  const bool of_hub = hub && !repository.empty() && repository.find('/') == std::string::npos;
  endpoint.repository = of_hub ? "library/" + repository : repository;
  const auto& configured = of(endpoint.name);
  endpoint.ca_file = configured.ca_file;
  const auto host = endpoint.host.substr(0, endpoint.host.rfind(':'));
  if (configured.plain_http || plain_.contains(endpoint.name)) {
    endpoint.transport = Endpoint::Transport::plain;
  } else if (is_loopback(host) && endpoint.ca_file.empty()) {
    endpoint.transport = Endpoint::Transport::loopback;
  }
  return endpoint;
}

std::vector<Endpoint> Settings::endpoints(const artifact::Reference& reference) const {
  std::vector<Endpoint> endpoints;
  if (reference.registry.empty()) return endpoints;
  for (const auto& mirror : of(normalized_registry(reference.registry)).mirrors) {
    const auto slash = std::min(mirror.find('/'), mirror.size());
    const auto folder = mirror.substr(std::min(slash + 1, mirror.size()));
    auto there = endpoint(
        mirror.substr(0, slash),
        folder.empty() ? reference.repository : fmt::format("{}/{}", folder, reference.repository));
    there.is_mirror = true;
    endpoints.push_back(std::move(there));
  }
  endpoints.push_back(endpoint(reference.registry, reference.repository));
  return endpoints;
}

}  // namespace trellis::registry
