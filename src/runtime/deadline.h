// A point in time after which nobody waits any more. Passed down by value with every call;
// monotonic.
#pragma once

#include <algorithm>
#include <chrono>

namespace trellis::runtime {

struct Deadline {
  std::chrono::steady_clock::time_point at;

  static Deadline in(std::chrono::steady_clock::duration d) {
    return {std::chrono::steady_clock::now() + d};
  }
  bool expired() const { return std::chrono::steady_clock::now() >= at; }
  std::chrono::steady_clock::duration remaining() const {
    return std::max(at - std::chrono::steady_clock::now(),
                    std::chrono::steady_clock::duration::zero());
  }
  Deadline earlier_of(Deadline other) const { return {std::min(at, other.at)}; }
};

}  // namespace trellis::runtime
