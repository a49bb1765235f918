// Whose name a registry is asked in. Looked for in this order: what the command line said, what the
// lattice said (registries.put, docs/protocol.md §6.10), OCI_REGISTRY and its user and password,
// docker's config.json. Kept in memory only, never shown. Any thread: put() comes from core 0,
// find() from whichever thread fetches, hence the lock. find() blocks (files, credential helpers).
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "registry/credential.h"
#include "registry/environment.h"
#include "runtime/deadline.h"

namespace trellis::registry {

class Credentials {
 public:
  struct Options {
    // Of OCI_REGISTRY, OCI_REGISTRY_USER, OCI_REGISTRY_PASSWORD; none when the first is "".
    std::string registry, user, password;
    std::string docker_config;  // a path; "" when none is read
    Credential given = {};      // by the user of a command, for the registry it names
  };
  static Options from_environment(const Environment& get);

  explicit Credentials(Options options) : options_(std::move(options)) {}

  // Adds to what was put before, replacing what had that name. exhausted when there are too many.
  Result<void> put(std::map<std::string, Credential> more);

  // For `registry` (host[:port]) and a repository there; empty when nobody knows one. `named`: it
  // is the registry the reference names and not a mirror of it. When a source could not be asked,
  // the credential's `source` says so and the rest is empty.
  Credential find(const std::string& registry, const std::string& repository, bool named,
                  runtime::Deadline deadline) const;

 private:
  std::optional<Credential> from_lattice(const std::string& registry) const;
  std::optional<Credential> from_variables(const std::string& registry,
                                           const std::string& repository) const;
  Result<Credential> from_docker(const std::string& registry, const std::string& repository,
                                 runtime::Deadline deadline) const;

  const Options options_;
  mutable std::mutex mutex_;
  std::map<std::string, Credential> lattice_;  // by normalized_registry()
};

}  // namespace trellis::registry
