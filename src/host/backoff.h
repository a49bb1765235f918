// How long to wait before the next try: three times as long each time, up to a limit, and a little
// more by chance so that what failed together does not come back together. A value.
#pragma once

#include <algorithm>
#include <chrono>

namespace trellis::host {

class Backoff {
 public:
  using Duration = std::chrono::milliseconds;

  Backoff(Duration first, Duration longest) : first_(first), longest_(longest), next_(first) {}

  // `chance` from 0 to 1 adds up to a quarter. With 0.1 s and 30 s: seven tries in the first
  // minute, two in each after it.
  Duration next(double chance) {
    const auto now = next_;
    next_ = std::min(next_ * 3, longest_);
    return now + std::chrono::duration_cast<Duration>(now * (chance / 4));
  }
  void reset() { next_ = first_; }

 private:
  const Duration first_, longest_;
  Duration next_;
};

}  // namespace trellis::host
