#include "registry/docker_config.h"

#include <fmt/format.h>

#include <algorithm>

#include "codec/base64.h"
#include "codec/json.h"

namespace trellis::registry {
namespace {

namespace json = codec::json;

constexpr std::string_view kHub = "docker.io";

tl::unexpected<Error> bad(std::string why) {
  return fail(Errc::invalid, "registry.docker_config", std::move(why));
}

// base64 of user:password. The text itself is not shown: it is the secret.
Result<void> read_auth(const std::string& auth, const std::string& registry, Credential& into) {
  const auto decoded = codec::base64_decode(auth, codec::Base64::standard);
  const auto text = decoded ? as_text(*decoded) : std::string_view();
  const auto colon = text.find(':');
  if (colon == std::string_view::npos) {
    return bad(fmt::format("the auth of {} is not base64 of user:password", registry));
  }
  into.user = text.substr(0, colon);
  into.password = text.substr(colon + 1);
  // Some tools pad the password with NULs.
  into.password.erase(std::find(into.password.begin(), into.password.end(), '\0'),
                      into.password.end());
  return {};
}

Result<Credential> read_credential(const std::string& registry, const json::value& value) {
  const auto* object = value.if_object();
  if (object == nullptr) return bad(fmt::format("auths of {} is not an object", registry));
  Credential credential;
  TRY(const auto auth, codec::json_string(*object, "auth"));
  TRY(const auto user, codec::json_string(*object, "username"));
  TRY(const auto password, codec::json_string(*object, "password"));
  TRY(const auto identity, codec::json_string(*object, "identitytoken"));
  TRY(const auto bearer, codec::json_string(*object, "registrytoken"));
  if (auth && !auth->empty()) TRY_OK(read_auth(*auth, registry, credential));
  if (user && !user->empty()) credential.user = *user;
  if (password && !password->empty()) credential.password = *password;
  credential.identity_token = identity.value_or("");
  credential.bearer_token = bearer.value_or("");
  return credential;
}

Result<const json::object*> member_object(const json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  if (value == nullptr || value->is_null()) return nullptr;
  if (!value->is_object()) return bad(fmt::format("{} is not an object", key));
  return &value->get_object();
}

}  // namespace

std::string normalized_registry(std::string_view name) {
  for (const std::string_view scheme : {"https://", "http://", "oci://"}) {
    if (name.starts_with(scheme)) name.remove_prefix(scheme.size());
  }
  while (name.ends_with('/')) name.remove_suffix(1);
  for (const std::string_view api : {"/v1", "/v2"}) {
    if (name.ends_with(api)) name.remove_suffix(api.size());
  }
  std::string text(name);
  const auto host_end = std::min(text.find('/'), text.size());
  std::transform(
      text.begin(), text.begin() + static_cast<std::ptrdiff_t>(host_end), text.begin(),
      [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  const auto host = text.substr(0, host_end);
  if (host == "index.docker.io" || host == "registry-1.docker.io") {
    text.replace(0, host_end, kHub);
  }
  return text;
}

std::string helper_key(std::string_view registry) {
  return registry == kHub ? "https://index.docker.io/v1/" : std::string(registry);
}

std::string default_docker_config(const Environment& get) {
  if (const auto folder = variable(get, "DOCKER_CONFIG"); !folder.empty()) {
    return folder + "/config.json";
  }
  const auto home = variable(get, "HOME");
  return home.empty() ? std::string() : home + "/.docker/config.json";
}

Result<DockerConfig> parse_docker_config(std::string_view text) {
  const auto value = codec::json_parse(text);
  if (!value || !value->is_object()) return bad("it is not a JSON object");
  const auto& object = value->get_object();
  DockerConfig config;
  TRY(const auto* auths, member_object(object, "auths"));
  if (auths != nullptr) {
    for (const auto& [name, entry] : *auths) {
      TRY(auto credential, read_credential(std::string(name), entry));
      // With a helper, docker leaves an empty entry here.
      if (!credential.empty())
        config.credentials[normalized_registry(name)] = std::move(credential);
    }
  }
  TRY(const auto* helpers, member_object(object, "credHelpers"));
  if (helpers != nullptr) {
    for (const auto& [name, helper] : *helpers) {
      if (!helper.is_string())
        return bad(fmt::format("credHelpers of {} is not text", std::string(name)));
      config.helpers[normalized_registry(name)] = helper.get_string();
    }
  }
  TRY(auto store, codec::json_string(object, "credsStore"));
  config.store = store.value_or("");
  return config;
}

Credential DockerConfig::find(std::string_view registry, std::string_view repository) const {
  auto key = fmt::format("{}/{}", registry, repository);
  while (true) {
    if (const auto found = credentials.find(key); found != credentials.end()) return found->second;
    const auto slash = key.rfind('/');
    if (slash == std::string::npos) return {};
    key.resize(slash);
  }
}

std::string DockerConfig::helper_for(std::string_view registry) const {
  const auto found = helpers.find(std::string(registry));
  return found == helpers.end() ? store : found->second;
}

}  // namespace trellis::registry
