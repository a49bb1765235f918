// SHA-256 of blobs in the form OCI writes it. Pure.
#pragma once

#include <string>

#include "base/bytes.h"

namespace trellis::artifact {

std::string digest_of(BytesView bytes);  // "sha256:" and 64 lower-case hex digits

}  // namespace trellis::artifact
