#include "host/process_numbers.h"

#include <sys/resource.h>
#include <unistd.h>

#include <charconv>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

namespace trellis::host {
namespace {

std::string file_text(const char* path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

// When the machine started, in unix time.
double boot_time() {
  const std::string text = file_text("/proc/stat");
  const auto at = text.find("\nbtime ");
  std::uint64_t seconds = 0;
  if (at != std::string::npos)
    std::from_chars(text.data() + at + 7, text.data() + text.size(), seconds);
  return static_cast<double>(seconds);
}

std::uint64_t open_files() {
  std::error_code error;
  std::uint64_t count = 0;
  for (std::filesystem::directory_iterator each("/proc/self/fd", error), end; !error && each != end;
       each.increment(error))
    ++count;
  return count > 0 ? count - 1 : 0;  // one is the folder that is read
}

}  // namespace

std::optional<StatFields> parse_stat(std::string_view text) {
  const auto name_end = text.rfind(')');
  if (name_end == std::string_view::npos) return std::nullopt;
  text.remove_prefix(name_end + 1);
  constexpr std::size_t kFirst = 3;  // proc(5) counts from 1; the name was the second
  std::vector<std::uint64_t> fields(kFirst);
  while (!text.empty() && fields.size() <= 24) {
    text.remove_prefix(std::min(text.find_first_not_of(" \n"), text.size()));
    std::uint64_t value = 0;  // stays 0 for the state's letter and for what is negative
    const auto word = text.substr(0, text.find_first_of(" \n"));
    std::from_chars(word.data(), word.data() + word.size(), value);
    if (!word.empty()) fields.push_back(value);
    text.remove_prefix(word.size());
  }
  if (fields.size() <= 24) return std::nullopt;
  return StatFields{.user_ticks = fields[14],
                    .system_ticks = fields[15],
                    .threads = fields[20],
                    .start_ticks = fields[22],
                    .virtual_bytes = fields[23],
                    .resident_pages = fields[24]};
}

ProcessNumbers read_process_numbers() {
  ProcessNumbers numbers;
  if (const auto stat = parse_stat(file_text("/proc/self/stat"))) {
    const auto per_second = static_cast<double>(::sysconf(_SC_CLK_TCK));
    numbers.cpu_seconds = static_cast<double>(stat->user_ticks + stat->system_ticks) / per_second;
    numbers.started_at = boot_time() + static_cast<double>(stat->start_ticks) / per_second;
    numbers.threads = stat->threads;
    numbers.virtual_bytes = stat->virtual_bytes;
    numbers.resident_bytes =
        stat->resident_pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  }
  numbers.files_open = open_files();
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) numbers.files_max = limit.rlim_cur;
  return numbers;
}

}  // namespace trellis::host
