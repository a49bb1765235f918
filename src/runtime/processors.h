// How many processors this process may use: those it may run on (taskset, a cpuset), or fewer where
// a control group limits its time, as a container's CPU limit does. Asked once, at the start, by
// Cores; blocking.
#pragma once

#include <filesystem>

namespace trellis::runtime {

struct Processors {
  unsigned count = 1;          // a limit of half a processor is one, of one and a half two
  bool whole_machine = false;  // nothing limits it: nobody else is meant to be here
};

// `allowed`: those it may run on; `machine`: those there are. `root`: see control_group.h.
Processors processors_there_are(unsigned allowed, unsigned machine,
                                const std::filesystem::path& root = "/");

}  // namespace trellis::runtime
