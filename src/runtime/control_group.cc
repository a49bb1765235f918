#include "runtime/control_group.h"

#include <fstream>
#include <string>

namespace trellis::runtime {
namespace {

namespace fs = std::filesystem;

void add_folders(const fs::path& mounted, const std::string& group, std::vector<fs::path>& out) {
  fs::path folder = mounted;
  out.push_back(folder);
  for (const auto& part : fs::path(group).relative_path()) {
    if (part == "..") break;
    folder /= part;
    out.push_back(folder);
  }
}

}  // namespace

// Lines of /proc/self/cgroup are number:controllers:path; version 2 has one, with no controllers.
std::vector<fs::path> control_group_folders(const fs::path& root, std::string_view controller) {
  const fs::path groups = root / "sys/fs/cgroup";
  const auto wanted = "," + std::string(controller) + ",";
  std::vector<fs::path> folders;
  std::ifstream file(root / "proc/self/cgroup");
  for (std::string line; std::getline(file, line);) {
    const auto first = line.find(':');
    const auto second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const auto controllers = "," + line.substr(first + 1, second - first - 1) + ",";
    const auto group = line.substr(second + 1);
    if (controllers == ",,")
      add_folders(groups, group, folders);
    else if (controllers.find(wanted) != std::string::npos)
      add_folders(groups / controller, group, folders);
  }
  return folders;
}

}  // namespace trellis::runtime
