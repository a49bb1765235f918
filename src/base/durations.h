// How long things took, counted in fixed steps: a histogram of plain integers. Whoever counts owns
// it alone (one core, no lock, no atomics); who collects gets copies and adds them up. Adding costs
// a few comparisons.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace trellis {

class Durations {
 public:
  using Nanoseconds = std::chrono::nanoseconds;

  // An actor answers in microseconds, a slow server in seconds.
  static constexpr std::array<Nanoseconds, 16> kBounds = [] {
    using namespace std::chrono_literals;
    return std::array<Nanoseconds, 16>{50us, 100us, 250us, 500us, 1ms,   2500us, 5ms,    10ms,
                                       25ms, 50ms,  100ms, 250ms, 500ms, 1s,     2500ms, 10s};
  }();

  // A duration that is equal to a bound counts below it; a clock that went back counts as none.
  void add(Nanoseconds took) {
    took = std::max(took, Nanoseconds::zero());
    std::size_t step = 0;
    while (step < kBounds.size() && took > kBounds[step]) ++step;
    ++counts_[step];
    sum_ns_ += static_cast<std::uint64_t>(took.count());
  }

  Durations& operator+=(const Durations& other) {
    for (std::size_t i = 0; i < counts_.size(); ++i) counts_[i] += other.counts_[i];
    sum_ns_ += other.sum_ns_;
    return *this;
  }

  // By step: above the bound before, not above its own. The last is beyond all bounds.
  const std::array<std::uint64_t, kBounds.size() + 1>& counts() const { return counts_; }
  std::uint64_t sum_ns() const { return sum_ns_; }

 private:
  std::array<std::uint64_t, kBounds.size() + 1> counts_{};
  std::uint64_t sum_ns_ = 0;
};

}  // namespace trellis
