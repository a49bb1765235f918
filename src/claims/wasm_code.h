// The code of a Wasm module with its numbers in the shortest form. The tools and hosts of 2022 hash
// a module not as the file has it but as they would write it (crate wascap 0.8), and linkers write
// padded numbers. Used when a module is signed, so that what we sign is accepted there.
#pragma once

#include <optional>

#include "base/bytes.h"

namespace trellis::claims {

// is damaged or has anything beyond 1.0: no tool of 2022 reads such a module, whatever its numbers
// look like.
std::optional<Bytes> with_shortest_numbers(BytesView code);

}  // namespace trellis::claims
