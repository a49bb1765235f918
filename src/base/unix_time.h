// The time of day as tokens and events have it. Used wherever claims are checked.
#pragma once

#include <chrono>
#include <cstdint>

namespace trellis {

// Seconds since 1970.
inline std::uint64_t now_unix() {
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::seconds>(
                                        std::chrono::system_clock::now().time_since_epoch())
                                        .count());
}

}  // namespace trellis
