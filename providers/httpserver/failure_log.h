// Failed requests in the log. When an actor fails, it mostly fails each request: of each kind of
// failure one line a second is written, which says how many it stands for. One for each listener
// and core; the time is given, so that tests need not wait.
#pragma once

#include <array>
#include <cstddef>

#include "base/error.h"
#include "base/line_rate.h"

namespace trellis::httpserver {

class FailureLog {
 public:
  using TimePoint = log::LineRate::TimePoint;

  // Counts a failure. 0: it is not to be written. Else how many were not written since the last
  // line of this kind, and this one.
  std::size_t due(Errc code, TimePoint now) {
    return kinds_[static_cast<std::size_t>(code)].due(now);
  }

 private:
  std::array<log::LineRate, static_cast<std::size_t>(Errc::internal) + 1> kinds_;
};

}  // namespace trellis::httpserver
