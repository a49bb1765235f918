#include "runtime/processors.h"

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <optional>
#include <string>

#include "runtime/control_group.h"

namespace trellis::runtime {
namespace {

namespace fs = std::filesystem;

std::optional<std::int64_t> number_in(const fs::path& path) {
  std::ifstream file(path);
  std::int64_t number = 0;
  if (file >> number) return number;
  return std::nullopt;
}

// Of one group: how many processors' time it has, rounded up; nothing when it has all.
std::optional<unsigned> limit_of(const fs::path& folder) {
  std::int64_t quota = -1, period = 0;
  if (std::ifstream file(folder / "cpu.max"); !(file >> quota >> period)) {  // "max 100000"
    const auto old_quota = number_in(folder / "cpu.cfs_quota_us");
    const auto old_period = number_in(folder / "cpu.cfs_period_us");
    if (!old_quota || !old_period) return std::nullopt;
    quota = *old_quota;
    period = *old_period;
  }
  if (quota <= 0 || period <= 0) return std::nullopt;  // -1: none
  return static_cast<unsigned>(std::clamp<std::int64_t>((quota + period - 1) / period, 1, 1024));
}

}  // namespace

Processors processors_there_are(unsigned allowed, unsigned machine, const fs::path& root) {
  Processors found{.count = std::max(allowed, 1u), .whole_machine = allowed >= machine};
  for (const auto& folder : control_group_folders(root, "cpu")) {
    const auto limit = limit_of(folder);
    if (!limit) continue;
    found.count = std::min(found.count, *limit);
    found.whole_machine = false;
  }
  return found;
}

}  // namespace trellis::runtime
