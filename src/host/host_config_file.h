// ~/.wash/host_config.json: how wash on the same machine finds a host and may sign calls in its
// name. It holds the cluster seed, so only its owner may read it. docs/protocol.md §9.1.
//
// The first host of a user has that name for as long as it lives: a lock says so, which ends with
// the process however it ends. A further host leaves it alone, for wash commands must not go
// elsewhere because something was started, and writes host_config-<dashboard port>.json beside it,
// to be named with `wash … --context`. Made when a host is ready, destroyed when it begins to stop;
// then what it wrote is removed. Blocking; one thread.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "base/result.h"
#include "host/config.h"
#include "host/identity.h"

namespace trellis::host {

class HostConfigFile {
 public:
  // `bus_port` is where the bus really listens.
  static Result<HostConfigFile> write(const std::filesystem::path& folder, const Config& config,
                                      const Identity& identity, std::uint16_t bus_port);
  HostConfigFile(HostConfigFile&& other) noexcept;
  HostConfigFile& operator=(HostConfigFile&&) = delete;
  ~HostConfigFile();

  const std::string& path() const { return path_; }
  // Where wash commands go instead of to this host: "127.0.0.1:4222 (lattice default)". "" when
  // they come here.
  const std::string& first_host() const { return first_host_; }

 private:
  HostConfigFile() = default;
  std::string path_, text_, first_host_;
  int lock_ = -1;
};

// $HOME/.wash; empty without a home.
std::filesystem::path wash_folder();

}  // namespace trellis::host
