// Waiting for SIGTERM and its kind. By main(), once; asio's handlers are reset by exec, so child
// processes get the default ones.
#pragma once

#include <vector>

#include "runtime/core.h"

namespace trellis::runtime {

// On a core: the number of the first of `signals` that arrives; `cancelled` when told to end.
Task<int> wait_signal(std::vector<int> signals);

// On main()'s own thread: blocks until SIGTERM or SIGINT.
Result<int> wait_for_stop_signal(Cores& cores);

}  // namespace trellis::runtime
