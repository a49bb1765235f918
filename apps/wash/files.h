// The few files wash keeps under ~/.wash, read whole and written whole. Errors name the file and
// the reason.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "base/result.h"

namespace trellis::wash {

// $HOME/.wash, made if need be.
Result<std::filesystem::path> wash_home();

Result<std::string> read_file(const std::filesystem::path& path);  // at most 64 MiB
// Replaces the file in one step, so that no reader sees half of it; only its owner may read it.
Result<void> write_private_file(const std::filesystem::path& path, std::string_view text);
Result<void> make_directory(const std::filesystem::path& path);

}  // namespace trellis::wash
