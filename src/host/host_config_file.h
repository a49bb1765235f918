// ~/.wash/host_config.json: how wash on the same machine finds this host and may sign calls in its
// name. It holds the cluster seed, so only its owner may read it. docs/protocol.md §9.1.
#pragma once

#include "base/result.h"
#include "host/config.h"
#include "host/identity.h"

namespace trellis::host {

Result<void> write_host_config_file(const Config& config, const Identity& identity);

}  // namespace trellis::host
