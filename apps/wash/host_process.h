// The host processes that wash starts on this machine: where the program is, how it is started, and
// how a later `wash down` knows it again. A pid file holds the pid, the moment the kernel started
// it and its dashboard port, so that a pid that was given to another program meanwhile is never
// mistaken for the host.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"

namespace trellis::wash {

struct HostProcess {
  pid_t pid = 0;
  std::uint64_t started = 0;  // clock ticks since boot
  std::uint16_t dashboard_port = 4000;
};

// Where one host's files are: those of the host on port 4000 have the names of 2022, others carry
// their port.
struct HostFiles {
  std::filesystem::path log, pid;
};
HostFiles host_files(const std::filesystem::path& folder, std::uint16_t dashboard_port);

// $TRELLIS_HOST_BINARY, `trellis` beside this program, or on $PATH.
Result<std::filesystem::path> find_host_program();

struct HostStart {
  std::filesystem::path program;
  std::map<std::string, std::string> environment;  // beyond what wash itself has
  int output = -1;                                 // descriptor for what the host prints
  bool detached = false;  // outlives wash; else it is told to stop when wash goes
};
// Asks the program whether that environment is one for a host. The error (invalid) is what it says.
Result<void> check_configuration(const HostStart& start);
// In a session of its own, so that Ctrl-C on the terminal reaches wash alone.
Result<HostProcess> start_host(const HostStart& start);

Result<void> write_pid_file(const std::filesystem::path& path, const HostProcess& host);
// The host of a pid file if it still runs. A file that names no living host is as good as none.
std::optional<HostProcess> running_host(const std::filesystem::path& pid_file);
// Every pid file in the folder.
std::vector<std::filesystem::path> pid_files(const std::filesystem::path& folder);

bool is_running(const HostProcess& host);
enum class Stopped { gracefully, killed, no };
// SIGTERM, and SIGKILL when it has not gone after `grace`.
Stopped stop_host(const HostProcess& host, std::chrono::milliseconds grace);

}  // namespace trellis::wash
