// The files of a provider archive: a flat tar, gzipped or not, read into memory and judged before
// anything else looks at it. What leads out of a folder, is no plain file, comes twice, or is more
// than an archive may hold is refused as a whole, whoever signed it; nothing is ever written from
// here. Used by provider_archive.h. Blocking; pure but for memory. Format: docs/protocol.md §4.5.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/limits.h"
#include "base/result.h"

namespace trellis::artifact {

struct ArchiveFile {
  std::string name;  // letters, digits and "._+-" only
  Bytes bytes;       // empty when its content was not wanted
  std::string hash;  // SHA-256 of its content, upper-case hex
};

struct ArchiveLimits {
  std::size_t unpacked_bytes_max = limits::kArchiveUnpackedBytesMax;  // headers and padding, too
  std::size_t files_max = limits::kArchiveFilesMax;
};

// In their order. `wanted` says whose bytes are kept; the others are read and hashed all the same.
// Errors: invalid (no archive, or one that must not be trusted), exhausted (a limit).
Result<std::vector<ArchiveFile>> read_archive_files(
    BytesView archive, const std::function<bool(std::string_view name)>& wanted,
    ArchiveLimits limits = {});

// The same bytes for the same files: no times, no owners.
Result<Bytes> write_archive_files(const std::vector<ArchiveFile>& files, bool gzip);

bool is_gzip(BytesView archive);  // by its first bytes, never by its name

}  // namespace trellis::artifact
