// Registries as a source of artifacts: each place a reference may be asked for, in order; the cache
// for what is known already, and for what is known when nobody can be asked. Used by host and wash
// behind artifact::Resolver. Blocking; any thread.
//
// A pinned reference (@sha256:…) that was pulled before asks nobody. A tag is asked for every time:
// when it has moved since, the log says so and what it is now is used; when the registry is down,
// what it was is used, unless it is "latest".
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <stop_token>
#include <string>

#include "artifact/resolver.h"
#include "base/limits.h"
#include "registry/cache.h"
#include "registry/credentials.h"
#include "registry/pull.h"
#include "registry/settings.h"

namespace trellis::registry {

struct SourceOptions {
  Settings settings;
  std::shared_ptr<const Credentials> credentials;
  std::string cache_dir = {};                                    // "": nothing is kept
  std::stop_token stop = {};                                     // ends what is being fetched
  std::chrono::milliseconds timeout = limits::kRegistryTimeout;  // for one artifact
};

class RegistrySource final : public artifact::Source {
 public:
  explicit RegistrySource(SourceOptions options);

  Result<artifact::Artifact> fetch(const artifact::Reference& reference) const override;

  struct Numbers {  // artifacts since the start
    std::uint64_t cached = 0, pulled = 0, failed = 0;
  };
  Numbers numbers() const;

 private:
  using Known = std::optional<artifact::Layout::Entry>;

  Result<artifact::Artifact> fetch_or_remember(const artifact::Reference& reference) const;
  Result<artifact::Artifact> fetch_from_registries(const artifact::Reference& reference,
                                                   const Known& known) const;
  Result<artifact::Artifact> fetch_from(const Endpoint& endpoint,
                                        const artifact::Reference& reference, const Known& known,
                                        runtime::Deadline deadline) const;
  std::optional<artifact::Artifact> cached(const artifact::Reference& reference,
                                           const artifact::Layout::Entry& entry) const;

  const SourceOptions options_;
  const Cache cache_;
  // Counted on the threads that fetch, once for each artifact.
  mutable std::atomic<std::uint64_t> cached_{0}, pulled_{0}, failed_{0};
};

}  // namespace trellis::registry
