#include "kubernetes/kubeconfig_user.h"

#include <fmt/format.h>

#include <filesystem>

#include "codec/base64.h"
#include "codec/json.h"

namespace trellis::kubernetes {
namespace {

constexpr const char* kSite = "kubernetes.kubeconfig";
constexpr std::string_view kInstead =
    "give it a service account's token (kubectl create token <name>), or let the host run in the "
    "cluster";

tl::unexpected<Error> bad(std::string sentence) {
  return fail(Errc::invalid, kSite, std::move(sentence));
}

std::string path_of(const NamedEntry& entry, const std::string& path) {
  return (std::filesystem::path(entry.folder) / path).lexically_normal().string();
}

// What this provider does not do would otherwise be a 401 without a reason.
Result<void> refuse_unsupported(const NamedEntry& user) {
  struct Unsupported {
    const char* key;
    const char* what;
  };
  constexpr Unsupported kAll[] = {
      {"exec", "gets its credentials from a program (exec), which is not run here"},
      {"auth-provider", "uses an auth-provider, which Kubernetes itself has removed"},
      {"username", "has a user name and password, which Kubernetes itself has removed"},
      {"as", "speaks as somebody else (as), which is not done here"}};
  for (const auto& [key, what] : kAll) {
    if (const auto* found = user.body.if_contains(key); found != nullptr && !found->is_null())
      return bad(fmt::format("the user '{}' {}; {}", user.name, what, kInstead));
  }
  return {};
}

}  // namespace

Result<std::string> pem_of(const NamedEntry& entry, const std::string& key) {
  TRY(auto data, codec::json_string(entry.body, key + "-data"));
  if (data && !data->empty()) {
    std::erase_if(*data, [](char c) { return c == '\n' || c == '\r'; });  // as a block of lines
    const auto bytes = codec::base64_decode(*data, codec::Base64::standard);
    if (!bytes) return bad(fmt::format("{}-data of '{}' is not base64", key, entry.name));
    return std::string(as_text(*bytes));
  }
  TRY(const auto path, codec::json_string(entry.body, key));
  if (!path || path->empty()) return std::string();
  return read_file(path_of(entry, *path));
}

Result<void> take_user(const NamedEntry& user, Access& access) {
  TRY_OK(refuse_unsupported(user));
  TRY(access.tls.certificate, pem_of(user, "client-certificate"));
  TRY(access.tls.key, pem_of(user, "client-key"));
  if (access.tls.certificate.empty() != access.tls.key.empty())
    return bad(fmt::format("the user '{}' has a client {} but no {}", user.name,
                           access.tls.key.empty() ? "certificate" : "key",
                           access.tls.key.empty() ? "key" : "certificate"));
  TRY(const auto token, codec::json_string(user.body, "token"));
  access.token = token.value_or("");
  TRY(const auto file, codec::json_string(user.body, "tokenFile"));
  if (!file || file->empty()) return {};
  access.token_file = path_of(user, *file);
  TRY_OK(read_file(access.token_file));
  return {};
}

}  // namespace trellis::kubernetes
