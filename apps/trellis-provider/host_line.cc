#include "host_line.h"

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string_view>
#include <system_error>

namespace trellis::provider_app {
namespace {

constexpr const char* kSite = "provider_app.host_line";

}  // namespace

Result<std::string> read_host_line(int fd, std::size_t bytes_max) {
  std::string line;
  std::array<char, 64 * 1024> buffer{};
  while (line.size() <= bytes_max) {
    const auto got = ::read(fd, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0)
      return fail(Errc::unavailable, kSite,
                  fmt::format("cannot read the host's data from stdin: {}",
                              std::generic_category().message(errno)));
    const std::string_view part(buffer.data(), static_cast<std::size_t>(got));
    const auto end = part.find('\n');
    line += part.substr(0, end);
    if (got == 0 || end != std::string_view::npos) return line;
  }
  return fail(Errc::exhausted, kSite,
              fmt::format("what came on stdin has no end after {} bytes; a host writes one line",
                          bytes_max));
}

}  // namespace trellis::provider_app
