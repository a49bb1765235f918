// The control groups that this process is in, of version 2 or 1: where a container's limits stand.
// Asked at the start; blocking. What cannot be read is not there.
#pragma once

#include <filesystem>
#include <string_view>
#include <vector>

namespace trellis::runtime {

// The folders that hold what `controller` ("cpu", "memory") allows: the group and all groups it
// lies in, each of which may say less. Within a container the group's path may be that of the outer
// system, which is not seen here; then the mounted folder is the group itself. `root` holds proc/
// and sys/; another one than "/" only in tests.
std::vector<std::filesystem::path> control_group_folders(const std::filesystem::path& root,
                                                         std::string_view controller);

}  // namespace trellis::runtime
