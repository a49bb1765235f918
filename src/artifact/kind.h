// What bytes are, told by themselves and not by a name or a media type: a Wasm module, or a
// provider archive (docs/protocol.md §4.5). Pure.
#pragma once

#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

namespace trellis::artifact {

enum class Kind { actor, provider };

std::string_view layer_media_type(Kind kind);
std::string_view config_media_type(Kind kind);

// Goes by the first bytes: "application/octet-stream" for what is neither.
std::string_view media_type_by_magic(BytesView bytes);

// Looks inside: a module must carry claims whose hash fits it, an archive must be one whose
// programs could be run (provider_archive.h). The error (invalid) says what is missing.
Result<Kind> kind_of(BytesView bytes);

}  // namespace trellis::artifact
