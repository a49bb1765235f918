// The program as a host starts it: reads who it is from stdin, serves until it is told to stop.
#pragma once

#include "base/result.h"

namespace trellis::provider_app {

// On main()'s thread, from the start of the process to its end. Errors say in one sentence what is
// wrong; the log is stopped by then, so that it is the last word on stderr.
Result<void> serve();

}  // namespace trellis::provider_app
