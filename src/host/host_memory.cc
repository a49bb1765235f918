#include "host/host_memory.h"

#include <algorithm>
#include <fstream>
#include <limits>
#include <string>

namespace trellis::host {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kNoLimit = std::numeric_limits<std::int64_t>::max();

std::uint64_t machine_bytes(const fs::path& root) {
  std::ifstream file(root / "proc/meminfo");
  std::string name;
  std::uint64_t kib = 0;
  if (file >> name >> kib && name == "MemTotal:") return kib << 10;
  return kNoLimit;
}

// A file that holds one number; "max" and what is not there are none.
std::uint64_t limit_in(const fs::path& path) {
  std::ifstream file(path);
  std::uint64_t bytes = 0;
  return file >> bytes ? bytes : kNoLimit;
}

// The least of a group and all groups it lies in. Within a container its path may be that of the
// outer system, which is not seen here; then the mounted folder is the group itself.
std::uint64_t least_limit(const fs::path& mounted, const std::string& group, const char* name) {
  std::uint64_t least = limit_in(mounted / name);
  fs::path folder = mounted;
  for (const auto& part : fs::path(group).relative_path()) {
    if (part == "..") break;
    folder /= part;
    least = std::min(least, limit_in(folder / name));
  }
  return least;
}

// Lines of /proc/self/cgroup are number:controllers:path; version 2 has one, with no controllers.
std::uint64_t group_bytes(const fs::path& root) {
  const fs::path groups = root / "sys/fs/cgroup";
  std::ifstream file(root / "proc/self/cgroup");
  std::uint64_t least = kNoLimit;
  for (std::string line; std::getline(file, line);) {
    const auto first = line.find(':');
    const auto second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const auto controllers = "," + line.substr(first + 1, second - first - 1) + ",";
    const auto group = line.substr(second + 1);
    if (controllers == ",,")
      least = std::min(least, least_limit(groups, group, "memory.max"));
    else if (controllers.find(",memory,") != std::string::npos)
      least = std::min(least, least_limit(groups / "memory", group, "memory.limit_in_bytes"));
  }
  return least;
}

}  // namespace

std::uint64_t memory_there_is(const fs::path& root) {
  return std::min(machine_bytes(root), group_bytes(root));
}

}  // namespace trellis::host
