// How many files and sockets the process may have open. By main(), first: shells and services give
// 1,024, which is for programs that use select(); the limit that is meant to hold is the hard one.
// Programs that the host starts get what the host was given (child_process.h).
#pragma once

#include <sys/resource.h>

namespace trellis::runtime {

// To the hard limit. Where that is refused the limit stays as it was.
void raise_file_limit();

// As it was when the process began.
rlimit file_limit_at_start();

}  // namespace trellis::runtime
