// Contexts: named sets of connection settings in ~/.wash/contexts/<name>.json, the default one
// named in index.json. `host_config` is special: it follows ~/.wash/host_config.json, which the
// first host on this machine keeps there while it lives, so that wash finds that host without being
// told; further hosts leave files beside it (host/host_config_file.h).
// Fields: docs/protocol.md §9.1 and the CLI's reference.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "control/client.h"

namespace trellis::wash {

inline constexpr std::string_view kHostConfig = "host_config";

// One way to the lattice: its control connection or its RPC connection.
struct ContextSide {
  std::string host = "127.0.0.1";
  std::uint16_t port = 4222;
  std::string jwt, seed, credsfile;
  std::uint64_t timeout_ms = 2000;
  std::string lattice_prefix = "default";
};

struct LatticeContext {
  std::string name;
  std::string cluster_seed;
  ContextSide ctl, rpc;
  std::string topic_prefix = "wasmbus.ctl";
};

Result<LatticeContext> parse_context(std::string_view json);
std::string write_context(const LatticeContext& context);  // pretty JSON

// The context a command works in: that of the file if one is named, else the default one, else
// built-in values. A file that is there and cannot be read is an error: nobody should work on a
// lattice they did not mean.
Result<LatticeContext> find_context(const std::filesystem::path& home,
                                    const std::optional<std::string>& file);

// The context of a host that was not the first on this machine, by its dashboard's port.
std::filesystem::path further_host_config(const std::filesystem::path& home,
                                          std::uint16_t dashboard_port);
// Those that are there.
std::vector<std::filesystem::path> further_host_configs(const std::filesystem::path& home);

// The folder of the contexts, for `wash ctx`.
struct ContextFolder {
  std::filesystem::path path;

  Result<std::vector<std::string>> names() const;  // sorted, without index
  Result<std::optional<std::string>> default_name() const;
  Result<void> set_default(const std::string& name) const;
  std::filesystem::path file_of(std::string_view name) const;
};

// Copies the settings of the host that runs here into contexts/host_config.json; nothing if none
// does.
Result<void> follow_host_config(const std::filesystem::path& home, const ContextFolder& folder);

// A name that is safe as a file name: letters, digits, '-', '_' and '.'; the rest becomes '_'.
std::string safe_name(std::string_view name);

}  // namespace trellis::wash
