// One OCI image layout: a directory with `oci-layout`, `index.json` and `blobs/sha256/…`. Reading
// checks every blob against its digest and size; a damaged one is named. Blocking; a value, and
// safe from any thread. Format: the OCI image specification, image-layout.md; docs/artifacts.md.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "artifact/kind.h"
#include "artifact/manifest.h"
#include "artifact/reference.h"
#include "base/bytes.h"
#include "base/result.h"
#include "base/units.h"

namespace trellis::artifact {

inline constexpr std::size_t kManifestBytesMax = 4_MiB;    // a manifest, an index
inline constexpr std::size_t kArtifactBytesMax = 256_MiB;  // all layers of one artifact

class Layout {
 public:
  struct Entry {
    std::string reference;  // the name its index gives it, "" if none
    std::string media_type;
    std::string digest;  // of the manifest, or of the index that leads to it
    std::size_t size = 0;
  };
  struct Content {
    std::string digest;      // the entry's: what a reference can be pinned to
    std::string media_type;  // of the first layer
    Bytes bytes;             // all layers, one after the other
  };
  struct Blob {
    std::string digest;
    BytesView bytes;  // these have that digest
  };

  explicit Layout(std::string dir) : dir_(std::move(dir)) {}
  const std::string& dir() const { return dir_; }

  // not_found when the directory is no layout at all.
  Result<std::vector<Entry>> entries() const;
  // not_found when no entry has that name (or, without a tag, that repository and digest).
  Result<Content> read(const Reference& reference) const;
  Result<Content> read(const Entry& entry, std::string_view reference) const;
  // What an entry says that it is; nothing when it does not say.
  std::optional<Kind> kind_of(const Entry& entry) const;

  // Adds an artifact of one layer under `reference`, replacing what had that name, and removes
  // blobs nobody names any more. Several processes may add at the same time. Returns the manifest's
  // digest.
  Result<std::string> add(const std::string& reference, std::string_view media_type,
                          std::string_view config_media_type, BytesView bytes) const;
  // The same with a manifest that is there already: `blobs` are it and what it leads to.
  Result<void> store(const Entry& entry, std::span<const Blob> blobs) const;
  Result<void> remove(const Entry& entry) const;
  // Removes the entries that were stored or used longest ago until all together have at most
  // `bytes_max`. use() is what makes one recent.
  Result<void> trim(std::size_t bytes_max) const;
  void use(const Entry& entry) const;

 private:
  Result<Bytes> blob(std::string_view digest, std::size_t size) const;
  Result<Manifest> manifest_of(const Entry& entry, std::string_view reference) const;
  Result<std::vector<Descriptor>> blobs_of(const Entry& entry) const;
  Result<void> write_index(const std::vector<Entry>& entries) const;
  void remove_unnamed_blobs(const std::vector<Entry>& entries) const;
  std::string blob_path(std::string_view digest) const;

  std::string dir_;
};

}  // namespace trellis::artifact
