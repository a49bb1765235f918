// At most one line a second of a kind in the log: what a guest or a stranger can make happen must
// not fill it. Used by whoever logs such things; the time is given, so that tests need not wait. A
// value; one thread.
#pragma once

#include <chrono>
#include <cstddef>
#include <utility>

namespace trellis::log {

class LineRate {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  // Counts what there is to say. 0: it is not to be written. Else how many were not written since
  // the last line, and this one.
  std::size_t due(TimePoint now) {
    ++count_;
    if (now < next_) return 0;
    next_ = now + std::chrono::seconds(1);
    return std::exchange(count_, 0);
  }

 private:
  TimePoint next_{};
  std::size_t count_ = 0;
};

}  // namespace trellis::log
