// WASI preview 1 for guests that import it: clocks, random, standard streams to the log; no
// arguments, no environment, no files (docs/protocol.md §1.3).
#pragma once

#include <span>

#include "engine/host_function.h"

namespace trellis::engine {

// wasi_snapshot_preview1
std::span<const ImportDefinition> wasi_imports();
// wasi_unstable: the same but for the layout of poll_oneoff's and fd_filestat_get's structures
std::span<const ImportDefinition> wasi_unstable_imports();

}  // namespace trellis::engine
