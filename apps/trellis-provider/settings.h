// What a provider's process is told, by its host and by the environment that it has from it, in one
// value. Pure. The variables are those of the host: docs/configuration.md.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "base/log.h"
#include "base/result.h"
#include "builtin/builtin_providers.h"
#include "capability/host_data.h"
#include "lattice/nats_connection.h"

namespace trellis::provider_app {

// Looks a variable up.
using Environment = std::function<std::optional<std::string>(const std::string& name)>;
Environment process_environment();

struct Settings {
  log::Options log;            // WASMCLOUD_STRUCTURED_LOG_LEVEL; JSON if the host writes it
  unsigned cores = 0;          // TRELLIS_CORES; 0: one for each hardware thread
  lattice::NatsServer server;  // of the lattice
  lattice::NatsTls tls;        // TRELLIS_NATS_CA, _CERT, _KEY
  // The provider's own: TRELLIS_DATA_DIR, else $XDG_STATE_HOME/trellis or ~/.local/state/trellis.
  std::string data_dir;
  capability::BusAccess bus;  // the same server, for the provider's own use
};

// `env_values` of the host data count before the environment. Errors name what is wrong.
Result<Settings> settings_from(const capability::HostData& data,
                               const builtin::BuiltinProvider& provider, const Environment& get);

// The provider that this process is: the one that was packed under `name`, else the one whose key
// the host knows it by. Error: neither leads to one; says which there are.
Result<const builtin::BuiltinProvider*> choose_provider(const std::optional<std::string>& name,
                                                        const capability::HostData& data);

}  // namespace trellis::provider_app
