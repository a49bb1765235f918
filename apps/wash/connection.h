// How a command reaches the lattice: its own options first, then the context, then built-in values,
// field by field. The control commands and `wash call` have the same options under their own names.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include <CLI/CLI.hpp>

#include "base/result.h"
#include "contexts.h"
#include "control/client.h"

namespace trellis::wash {

struct ConnectionFlags {
  std::optional<std::string> host, jwt, seed, credsfile, lattice_prefix, topic_prefix, context;
  std::string tls_ca, tls_cert, tls_key;
  std::optional<std::uint16_t> port;
  std::optional<std::uint64_t> timeout_ms;
};

struct Lattice {
  control::ConnectOptions options;
  LatticeContext context;
  bool timeout_given = false;  // by the user, who then wants exactly that
};

std::shared_ptr<ConnectionFlags> add_ctl_connection(CLI::App& app);
std::shared_ptr<ConnectionFlags> add_rpc_connection(CLI::App& app);

Result<Lattice> resolve_ctl(const ConnectionFlags& flags);
Result<Lattice> resolve_rpc(const ConnectionFlags& flags);

// Connects; says what to do when nobody is there.
Result<control::Client> connect(const control::ConnectOptions& options);

}  // namespace trellis::wash
