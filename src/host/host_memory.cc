#include "host/host_memory.h"

#include <algorithm>
#include <fstream>
#include <limits>
#include <string>

#include "runtime/control_group.h"

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

std::uint64_t group_bytes(const fs::path& root) {
  std::uint64_t least = kNoLimit;
  for (const auto& folder : runtime::control_group_folders(root, "memory")) {
    for (const char* name : {"memory.max", "memory.limit_in_bytes"})  // of version 2, of version 1
      least = std::min(least, limit_in(folder / name));
  }
  return least;
}

}  // namespace

std::uint64_t memory_there_is(const fs::path& root) {
  return std::min(machine_bytes(root), group_bytes(root));
}

}  // namespace trellis::host
