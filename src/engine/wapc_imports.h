// The nine imports of a waPC guest (docs/protocol.md §1.1).
#pragma once

#include <span>

#include "engine/host_function.h"

namespace trellis::engine {

std::span<const ImportDefinition> wapc_imports();

}  // namespace trellis::engine
