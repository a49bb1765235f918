// How much memory this process may use: what the machine has, or less where a control group (of
// version 2 or 1) sets a limit, as in a container. Asked once, at the start. Blocking; what cannot
// be read sets no limit.
#pragma once

#include <cstdint>
#include <filesystem>

namespace trellis::host {

// `root` holds proc/ and sys/; another one only in tests.
std::uint64_t memory_there_is(const std::filesystem::path& root = "/");

}  // namespace trellis::host
