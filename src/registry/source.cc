#include "registry/source.h"

#include <fmt/format.h>

#include "base/log.h"

namespace trellis::registry {
namespace {

using artifact::Artifact;
using artifact::Layout;
using artifact::Reference;

bool is_down(const Error& error) {
  return error.code == Errc::unavailable || error.code == Errc::timeout;
}

void note_move(const Reference& reference, const Layout::Entry& before, const std::string& now) {
  LOG(warn,
      "{} has moved: it was {} when it was last pulled here and is {} now, which is used. "
      "Write {}@{} to stay with the former",
      reference.text, before.digest, now, reference.name(), before.digest);
}

}  // namespace

RegistrySource::RegistrySource(SourceOptions options)
    : options_(std::move(options)), cache_(options_.cache_dir) {}

RegistrySource::Numbers RegistrySource::numbers() const {
  return {cached_.load(std::memory_order_relaxed), pulled_.load(std::memory_order_relaxed),
          failed_.load(std::memory_order_relaxed)};
}

Result<Artifact> RegistrySource::fetch(const Reference& reference) const {
  auto artifact = fetch_or_remember(reference);
  if (!artifact && !reference.registry.empty()) failed_.fetch_add(1, std::memory_order_relaxed);
  return artifact;
}

Result<Artifact> RegistrySource::fetch_or_remember(const Reference& reference) const {
  if (reference.registry.empty()) {
    return fail(Errc::not_found, "registry.source",
                "No registry was asked, for the reference names none");
  }
  const auto known = cache_.find(reference);
  if (known && !reference.digest.empty()) {
    if (auto artifact = cached(reference, *known)) return *std::move(artifact);
  }
  auto fetched = fetch_from_registries(reference, known);
  if (fetched || !known || !is_down(fetched.error()) || reference.is_latest()) return fetched;
  auto artifact = cached(reference, *known);
  if (!artifact) return fetched;
  LOG(warn, "{}; {} is used as it was last pulled, {}", fetched.error().detail, reference.text,
      artifact->digest);
  return *std::move(artifact);
}

std::optional<Artifact> RegistrySource::cached(const Reference& reference,
                                               const Layout::Entry& entry) const {
  auto content = cache_.read(entry);
  if (!content) return std::nullopt;
  cached_.fetch_add(1, std::memory_order_relaxed);
  return Artifact{reference.text, std::move(content->digest), std::move(content->media_type),
                  std::move(content->bytes)};
}

Result<Artifact> RegistrySource::fetch_from_registries(const Reference& reference,
                                                       const Known& known) const {
  const auto deadline = runtime::Deadline::in(options_.timeout);
  std::string mirrors_said;
  for (const auto& endpoint : options_.settings.endpoints(reference)) {
    auto artifact = fetch_from(endpoint, reference, known, deadline);
    if (artifact || artifact.error().code == Errc::cancelled) return artifact;
    if (!endpoint.is_mirror) {
      return fail(artifact.error().code, artifact.error().site,
                  fmt::format("{}{}", artifact.error().detail, mirrors_said));
    }
    if (artifact.error().code != Errc::not_found) {
      LOG(warn, "a mirror of {} could not help: {}", reference.registry,
          artifact.error().describe());
    }
    mirrors_said += fmt::format("; before that: {}", artifact.error().detail);
  }
  return fail(Errc::not_found, "registry.source", "No registry is configured");
}

Result<Artifact> RegistrySource::fetch_from(const Endpoint& endpoint, const Reference& reference,
                                            const Known& known, runtime::Deadline deadline) const {
  auto credential = options_.credentials
                        ? options_.credentials->find(endpoint.name, endpoint.repository,
                                                     !endpoint.is_mirror, deadline)
                        : Credential{};
  Session session(endpoint, std::move(credential),
                  {.access = Session::Access::pull,
                   .deadline = deadline,
                   .stop = options_.stop,
                   // With a copy at hand nobody has to wait for a registry that is down.
                   .tries = known && !reference.is_latest() ? 1 : limits::kRegistryTries});
  TRY(auto found, find(session, reference));
  if (known && reference.digest.empty() && known->digest != found.digest) {
    note_move(reference, *known, found.digest);
  }
  if (const auto same = cache_.find(reference, found.digest)) {
    if (auto artifact = cached(reference, *same)) {
      if (!known || known->digest != found.digest) cache_.name(reference, *same);
      return *std::move(artifact);
    }
  }
  TRY(auto pulled, pull(session, std::move(found), reference));
  pulled_.fetch_add(1, std::memory_order_relaxed);
  cache_.store(reference, {{}, pulled.top.media_type, pulled.top.digest, pulled.top.text.size()},
               pulled.blobs());
  LOG(debug, "{} was pulled from {}: {}", reference.text, endpoint.name, pulled.top.digest);
  return Artifact{reference.text, std::move(pulled.top.digest),
                  std::move(pulled.layers.front().media_type), std::move(pulled.bytes)};
}

}  // namespace trellis::registry
