// A reference becomes bytes: from OCI layouts (directories installed with the program), from a
// registry, from a file. Every blob is checked against its digest. Used by host and wash.
// docs/artifacts.md.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "artifact/kind.h"
#include "artifact/reference.h"
#include "base/bytes.h"
#include "base/result.h"

namespace trellis::artifact {

struct Artifact {
  std::string reference;   // as asked for
  std::string digest;      // sha256:… of the manifest, or of the file for file://
  std::string media_type;  // of the layer
  Bytes bytes;             // the layer: a Wasm file or a provider archive
};

// Where an artifact is fetched from when it is not on this machine: registries (src/registry).
// Blocking and thread-safe, as the resolver is. not_found: whoever was asked has no such thing.
class Source {
 public:
  virtual ~Source() = default;
  virtual Result<Artifact> fetch(const Reference& reference) const = 0;
};

struct ResolverOptions {
  // Searched in order; a layout answers for the references in its index (annotation
  // org.opencontainers.image.ref.name, full: registry/name:tag).
  std::vector<std::string> layouts;
  bool allow_latest = false;
  bool allow_files = true;                      // file:///path/to/actor_s.wasm
  std::shared_ptr<const Source> registry = {};  // null: none is asked
  bool registry_first = false;                  // and the layouts only if it cannot deliver
};

// Blocking; call it on runtime::Offload. Thread-safe.
class Resolver {
 public:
  explicit Resolver(ResolverOptions options);
  // Errors name the reference and where was looked; `latest` is refused with the 2022 text unless
  // allowed. What they suggest is of the kind that is wanted, if one is.
  Result<Artifact> fetch(const std::string& reference, std::optional<Kind> wanted = {}) const;
  // For "did you mean": those in the layouts that are of that kind, or do not say of which.
  std::vector<std::string> known_references(std::optional<Kind> wanted = {}) const;

 private:
  Result<Artifact> fetch_from_layouts(const Reference& reference) const;
  Result<Artifact> fetch_from_registry(const Reference& reference) const;
  Result<Artifact> fetch_by_name(const Reference& reference) const;
  Result<void> check_latest(const Reference& reference, std::optional<Kind> wanted) const;

  ResolverOptions options_;
};

// The folder of the layout that is installed with this program (../share/trellis/artifacts beside
// its executable), "" if none.
std::string installed_layout();

// Where to look when nobody said: the colon-separated folders of TRELLIS_ARTIFACTS, or else the
// installed layout.
std::vector<std::string> default_layouts();

// Adds one artifact to an OCI layout directory, creating it if need be; replaces what had that
// reference.
Result<std::string> add_to_layout(const std::string& layout_dir, const std::string& reference,
                                  const std::string& media_type,
                                  const std::string& config_media_type, BytesView bytes);

}  // namespace trellis::artifact
