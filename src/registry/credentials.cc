#include "registry/credentials.h"

#include <fmt/format.h>

#include <algorithm>

#include "artifact/file_io.h"
#include "base/limits.h"
#include "base/log.h"
#include "registry/credential_helper.h"
#include "registry/docker_config.h"

namespace trellis::registry {
namespace {

constexpr std::size_t kDockerConfigBytesMax = 1_MiB;

}  // namespace

Credentials::Options Credentials::from_environment(const Environment& get) {
  return {.registry = variable(get, "OCI_REGISTRY"),
          .user = variable(get, "OCI_REGISTRY_USER"),
          .password = variable(get, "OCI_REGISTRY_PASSWORD"),
          .docker_config = default_docker_config(get)};
}

Result<void> Credentials::put(std::map<std::string, Credential> more) {
  const std::lock_guard lock(mutex_);
  for (auto& [name, credential] : more) {
    auto key = normalized_registry(name);
    key.resize(std::min(key.find('/'), key.size()));
    if (lattice_.size() >= limits::kRegistryCredentialsMax && !lattice_.contains(key)) {
      return fail(Errc::exhausted, "registry.credentials",
                  fmt::format("credentials of more than {} registries are not kept",
                              limits::kRegistryCredentialsMax));
    }
    credential.source = "the lattice (registries.put)";
    lattice_.insert_or_assign(std::move(key), std::move(credential));
  }
  return {};
}

std::optional<Credential> Credentials::from_lattice(const std::string& registry) const {
  const std::lock_guard lock(mutex_);
  const auto found = lattice_.find(registry);
  return found == lattice_.end() ? std::nullopt : std::optional(found->second);
}

// A registry, or a folder of repositories in one. 2022 compared the beginnings of texts, so that
// the password of reg.io went to reg.io.example.com as well; here the names end where they end.
std::optional<Credential> Credentials::from_variables(const std::string& registry,
                                                      const std::string& repository) const {
  const auto wanted = normalized_registry(options_.registry);
  if (wanted.empty() || options_.user.empty() || options_.password.empty()) return std::nullopt;
  const auto name = fmt::format("{}/{}/", registry, repository);
  if (!name.starts_with(wanted + "/")) return std::nullopt;
  Credential credential;
  credential.user = options_.user;
  credential.password = options_.password;
  credential.source = "OCI_REGISTRY_USER and OCI_REGISTRY_PASSWORD";
  return credential;
}

Result<Credential> Credentials::from_docker(const std::string& registry,
                                            const std::string& repository,
                                            runtime::Deadline deadline) const {
  const auto& path = options_.docker_config;
  if (path.empty()) return Credential{};
  const auto text = artifact::read_file(path, kDockerConfigBytesMax);
  if (!text && text.error().code == Errc::not_found) return Credential{};
  if (!text) return fail(text.error());
  auto config = parse_docker_config(as_text(*text));
  if (!config) {
    return fail(config.error().code, config.error().site,
                fmt::format("'{}' cannot be used: {}", path, config.error().detail));
  }
  if (auto credential = config->find(registry, repository); !credential.empty()) {
    credential.source = path;
    return credential;
  }
  const auto helper = config->helper_for(registry);
  if (helper.empty()) return Credential{};
  return ask_credential_helper(
      helper, helper_key(registry),
      deadline.earlier_of(runtime::Deadline::in(limits::kCredentialHelperTimeout)));
}

Credential Credentials::find(const std::string& host, const std::string& repository, bool named,
                             runtime::Deadline deadline) const {
  const auto registry = normalized_registry(host);
  if (named && !options_.given.empty()) return options_.given;
  if (auto credential = from_lattice(registry)) return *std::move(credential);
  if (auto credential = from_variables(registry, repository)) return *std::move(credential);
  auto credential = from_docker(registry, repository, deadline);
  if (credential) return *std::move(credential);
  // The registry may not want one: then this was of no importance.
  LOG(warn, "no credential for {}: {}", registry, credential.error().describe());
  Credential none;
  none.source = credential.error().detail;
  return none;
}

}  // namespace trellis::registry
