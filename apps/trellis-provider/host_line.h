// The one line that a host writes to the stdin of a provider it starts (docs/protocol.md §4.1).
// Blocking, for as long as the host takes; before the cores start.
#pragma once

#include <cstddef>
#include <string>

#include "base/result.h"

namespace trellis::provider_app {

inline constexpr std::size_t kHostLineBytesMax = 64 << 20;  // 100,000 links

// Without its end. What the host writes after it stays unread. "" when nothing came before the
// stream ended. Error `exhausted`: longer than `bytes_max`.
Result<std::string> read_host_line(int fd, std::size_t bytes_max = kHostLineBytesMax);

}  // namespace trellis::provider_app
