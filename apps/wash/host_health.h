// Whether a host on this machine is ready to work: its own answer on the dashboard's port.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

#include "base/result.h"

namespace trellis::wash {

// True when GET http://<host>:<port>/api/readyz answers 200.
bool is_ready(const std::string& host, std::uint16_t port);

// The port of the bus of a host that is ready; 0 when it does not say.
std::uint16_t bus_port_of(const std::string& host, std::uint16_t port);

// Asks until it is; stops early when `alive` says there is nobody left to answer. Errc::timeout or
// Errc::unavailable.
Result<void> wait_until_ready(const std::string& host, std::uint16_t port,
                              const std::function<bool()>& alive,
                              std::chrono::milliseconds timeout);

// The last lines of a log, for the message that says why a host did not start.
std::string last_lines(const std::filesystem::path& log, std::size_t lines);

}  // namespace trellis::wash
