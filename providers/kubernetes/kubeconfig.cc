#include "kubernetes/kubeconfig.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <vector>

#include <boost/json/object.hpp>

#include "codec/base64.h"
#include "codec/json.h"
#include "codec/yaml.h"
#include "kubernetes/kubeconfig_user.h"

namespace trellis::kubernetes {
namespace {

namespace json = boost::json;

constexpr const char* kSite = "kubernetes.kubeconfig";

tl::unexpected<Error> bad(std::string sentence) {
  return fail(Errc::invalid, kSite, std::move(sentence));
}
tl::unexpected<Error> because(std::string sentence, Error error) {
  error.detail = fmt::format("{}: {}", sentence, error.detail);
  return fail(std::move(error));
}

// Entries of one list by name; of two with one name the first counts, as for kubectl.
Result<void> collect(const json::object& config, std::string_view list, std::string_view member,
                     const std::string& folder, std::vector<NamedEntry>& into) {
  const auto* found = config.if_contains(list);
  if (found == nullptr || found->is_null()) return {};
  if (!found->is_array()) return bad(fmt::format("'{}' must be a list", list));
  for (const auto& each : found->get_array()) {
    if (!each.is_object()) return bad(fmt::format("an entry of '{}' is not a map", list));
    TRY(auto name, codec::json_string(each.get_object(), "name"));
    const auto* body = each.get_object().if_contains(member);
    NamedEntry entry{name.value_or(""), {}, folder};
    if (body != nullptr && body->is_object()) entry.body = body->get_object();
    const auto same = [&](const NamedEntry& other) { return other.name == entry.name; };
    if (std::none_of(into.begin(), into.end(), same)) into.push_back(std::move(entry));
  }
  return {};
}

struct Config {
  std::vector<NamedEntry> clusters, users, contexts;
  std::string current_context;
  std::string source;
};

Result<json::object> only_document(std::string_view text) {
  TRY(auto documents, codec::yaml_parse(text, codec::YamlScalars::resolved));
  std::erase_if(documents, [](const json::value& each) { return each.is_null(); });
  if (documents.size() != 1)
    return bad(fmt::format("it must be one YAML document, not {}", documents.size()));
  if (!documents[0].is_object()) return bad("it is not a map");
  return std::move(documents[0].get_object());
}

Result<void> add(std::string_view text, const std::string& folder, Config& config) {
  TRY(const auto document, only_document(text));
  TRY_OK(collect(document, "clusters", "cluster", folder, config.clusters));
  TRY_OK(collect(document, "users", "user", folder, config.users));
  TRY_OK(collect(document, "contexts", "context", folder, config.contexts));
  TRY(const auto current, codec::json_string(document, "current-context"));
  if (current && config.current_context.empty()) config.current_context = *current;
  return {};
}

Result<const NamedEntry*> find(const std::vector<NamedEntry>& entries, std::string_view kind,
                               const std::string& name, std::string_view wanted_by) {
  for (const auto& entry : entries)
    if (entry.name == name) return &entry;
  return bad(fmt::format("{} names the {} '{}', which is not there", wanted_by, kind, name));
}

Result<void> take_cluster(const NamedEntry& cluster, Access& access) {
  TRY(const auto server, codec::json_string(cluster.body, "server"));
  if (!server || server->empty())
    return bad(fmt::format("the cluster '{}' has no server", cluster.name));
  if (const auto url = net::parse_http_url(*server); !url)
    return because(fmt::format("the server of cluster '{}'", cluster.name), url.error());
  access.server = *server;
  while (access.server.ends_with('/')) access.server.pop_back();
  TRY(access.tls.ca, pem_of(cluster, "certificate-authority"));
  TRY(const auto name, codec::json_string(cluster.body, "tls-server-name"));
  access.tls.server_name = name.value_or("");
  TRY(const auto insecure, codec::json_bool(cluster.body, "insecure-skip-tls-verify"));
  access.tls.verify = !insecure.value_or(false);
  TRY(const auto proxy, codec::json_string(cluster.body, "proxy-url"));
  access.proxy = proxy.value_or("");
  return {};
}

Result<Access> access_of(const Config& config) {
  if (config.current_context.empty())
    return bad("no current-context is set (kubectl config use-context <name>)");
  TRY(const auto* context,
      find(config.contexts, "context", config.current_context, "current-context"));
  const auto wanted_by = fmt::format("the context '{}'", context->name);
  Access access{.server = {},
                .source = fmt::format("{} (context '{}')", config.source, context->name)};
  TRY(const auto cluster_name, codec::json_string(context->body, "cluster"));
  TRY(const auto* cluster, find(config.clusters, "cluster", cluster_name.value_or(""), wanted_by));
  TRY_OK(take_cluster(*cluster, access));
  TRY(const auto space, codec::json_string(context->body, "namespace"));
  if (space && !space->empty()) access.default_namespace = *space;
  TRY(const auto user_name, codec::json_string(context->body, "user"));
  if (!user_name || user_name->empty()) return access;  // nobody in particular
  TRY(const auto* user, find(config.users, "user", *user_name, wanted_by));
  TRY_OK(take_user(*user, access));
  return access;
}

// What a config that came over the lattice may not do: name files of this machine.
Result<void> refuse_paths(const std::vector<NamedEntry>& entries, std::string_view entity,
                          std::initializer_list<std::string_view> keys) {
  for (const auto& entry : entries) {
    for (const auto key : keys) {
      if (const auto* path = entry.body.if_contains(key); path != nullptr && !path->is_null())
        return bad(fmt::format(
            "Certificate and key paths are not allowed for base64 encoded configs. Offending "
            "entry: {} {}",
            entity, entry.name));
    }
  }
  return {};
}

std::string folder_of(const std::string& path) {
  return std::filesystem::path(path).parent_path().string();
}

Result<Access> in_pod(const Environment& environment) {
  if (environment.service_host.empty())
    return bad(
        "no KUBECONFIG is set, there is no ~/.kube/config, and this is no pod "
        "(KUBERNETES_SERVICE_HOST is not set)");
  const auto& folder = environment.service_account;
  auto host = environment.service_host;
  if (host.find(':') != std::string::npos) host = "[" + host + "]";
  const std::string port = environment.service_port.empty() ? "443" : environment.service_port;
  Access access{.server = fmt::format("https://{}:{}", host, port),
                .token_file = folder + "/token",
                .source = "the pod's service account"};
  const auto token = read_file(access.token_file);
  if (!token && token.error().code == Errc::not_found)
    return bad(
        fmt::format("this pod was given no service account token ({}); the chart's value "
                    "wasmcloud.enableApplierSupport=true gives it one, elsewhere "
                    "automountServiceAccountToken does",
                    token.error().detail));
  if (!token) return fail(token.error());
  TRY(access.tls.ca, read_file(folder + "/ca.crt"));
  if (const auto space = read_file(folder + "/namespace"); space && !space->empty())
    access.default_namespace = *space;
  return access;
}

Result<Access> inferred(const Environment& environment) {
  Config config;
  std::string_view rest = environment.kubeconfig;
  while (!rest.empty()) {
    const auto colon = rest.find(':');
    const std::string path(rest.substr(0, colon));
    rest = colon == std::string_view::npos ? "" : rest.substr(colon + 1);
    if (path.empty()) continue;
    const auto text = read_file(path);
    if (!text && text.error().code == Errc::not_found && !rest.empty()) continue;
    if (!text && !(text.error().code == Errc::not_found && !config.source.empty()))
      return fail(text.error());
    if (!text) continue;
    if (auto added = add(*text, folder_of(path), config); !added)
      return because(path, added.error());
    config.source += fmt::format("{}{}", config.source.empty() ? "kubeconfig " : ":", path);
  }
  if (!config.source.empty()) return access_of(config);
  const auto path = environment.home + "/.kube/config";
  const auto text = environment.home.empty() ? Result<std::string>("") : read_file(path);
  if (!text && text.error().code != Errc::not_found) return fail(text.error());
  if (!text || text->empty()) return in_pod(environment);
  if (auto added = add(*text, folder_of(path), config); !added) return because(path, added.error());
  config.source = "kubeconfig " + path;
  return access_of(config);
}

}  // namespace

Result<Access> access_from_file(const std::string& path) {
  const auto invalid = fmt::format("Invalid kubeconfig from file {}", path);
  const auto text = read_file(path);
  if (!text) return because(invalid, text.error());
  Config config{.clusters = {},
                .users = {},
                .contexts = {},
                .current_context = {},
                .source = "config_file " + path};
  auto added = add(*text, folder_of(path), config);
  if (!added) return because(invalid, added.error());
  auto access = access_of(config);
  if (!access) return because(invalid, access.error());
  return access;
}

Result<Access> access_from_base64(std::string_view text) {
  std::string packed(text);  // base64 breaks its lines, and a shell keeps the breaks
  std::erase_if(packed, [](char c) { return c == '\n' || c == '\r' || c == ' ' || c == '\t'; });
  const auto bytes = codec::base64_decode(packed, codec::Base64::standard);
  if (!bytes) return because("Invalid base64 config given", bytes.error());
  Config config{
      .clusters = {}, .users = {}, .contexts = {}, .current_context = {}, .source = "config_b64"};
  auto added = add(as_text(*bytes), "", config);
  if (!added) return because("Invalid kubeconfig data given", added.error());
  TRY_OK(refuse_paths(config.clusters, "cluster", {"certificate-authority"}));
  TRY_OK(refuse_paths(config.users, "user", {"client-certificate", "client-key", "tokenFile"}));
  auto access = access_of(config);
  if (!access) return because("Invalid kubeconfig data given", access.error());
  return access;
}

Result<Access> access_inferred(const Environment& environment) {
  auto access = inferred(environment);
  if (!access)
    return because(
        "No config given and unable to infer config from environment or default config file",
        access.error());
  return access;
}

}  // namespace trellis::kubernetes
