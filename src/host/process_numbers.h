// What the system says of this process: time, memory, files, threads. Reads /proc and may take
// milliseconds where many files are open: not for a core's thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace trellis::host {

struct ProcessNumbers {
  double cpu_seconds = 0, started_at = 0;  // started_at: unix time
  std::uint64_t resident_bytes = 0, virtual_bytes = 0, threads = 0, files_open = 0, files_max = 0;
};

struct StatFields {  // of /proc/<pid>/stat, in its units
  std::uint64_t user_ticks = 0, system_ticks = 0, threads = 0, start_ticks = 0, virtual_bytes = 0,
                resident_pages = 0;
};
// The name of the program may hold anything, blanks and parentheses too.
std::optional<StatFields> parse_stat(std::string_view text);

ProcessNumbers read_process_numbers();

}  // namespace trellis::host
