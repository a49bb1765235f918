// Whole files in and out, bounded and atomic. Blocking. Errors name the path and the system's
// reason.
#pragma once

#include <cstddef>
#include <string>

#include "base/bytes.h"
#include "base/result.h"

namespace trellis::artifact {

// A regular file of at most bytes_max. not_found if there is none, exhausted if it is larger.
Result<Bytes> read_file(const std::string& path, std::size_t bytes_max);

// Written beside its place and moved there: a reader sees the old file or the new one, whole.
Result<void> write_file(const std::string& path, BytesView bytes, unsigned mode = 0644);

}  // namespace trellis::artifact
