// What registries gave, kept on disk: an OCI layout (without configs) whose blobs are known by
// their digest and whose index says which digest each reference had when it was last pulled.
// Nothing here can make a pull fail: what cannot be read is as if it were not there, what cannot be
// written is said in the log. Blocking; any thread, and several processes at once.
#pragma once

#include <optional>
#include <string>

#include "artifact/layout.h"
#include "artifact/reference.h"
#include "base/limits.h"
#include "registry/environment.h"

namespace trellis::registry {

class Cache {
 public:
  // No folder: nothing is kept.
  explicit Cache(std::string dir, std::size_t bytes_max = limits::kArtifactCacheBytesMax)
      : layout_(std::move(dir)), bytes_max_(bytes_max) {}

  // What was last pulled for it: by its digest when it is pinned, else by its tag.
  std::optional<artifact::Layout::Entry> find(const artifact::Reference& reference) const;
  // The same repository's artifact with that digest, under whatever tag.
  std::optional<artifact::Layout::Entry> find(const artifact::Reference& reference,
                                              const std::string& digest) const;
  // Checked again; nullopt when it is damaged, which removes it.
  std::optional<artifact::Layout::Content> read(const artifact::Layout::Entry& entry) const;

  // `entry` without a name gets the reference's.
  void store(const artifact::Reference& reference, artifact::Layout::Entry entry,
             std::span<const artifact::Layout::Blob> blobs) const;
  // What is there already under another tag is now under this one, too.
  void name(const artifact::Reference& reference, artifact::Layout::Entry entry) const {
    store(reference, std::move(entry), {});
  }

 private:
  std::vector<artifact::Layout::Entry> entries() const;

  const artifact::Layout layout_;
  const std::size_t bytes_max_;
};

// $TRELLIS_ARTIFACT_CACHE_DIR, else trellis/artifacts in the user's cache folder.
std::string default_cache_dir(const Environment& get);

}  // namespace trellis::registry
