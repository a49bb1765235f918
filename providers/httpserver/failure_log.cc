#include "httpserver/failure_log.h"

#include <utility>

namespace trellis::httpserver {
namespace {

constexpr auto kInterval = std::chrono::seconds(1);

}  // namespace

std::size_t FailureLog::due(Errc code, TimePoint now) {
  Kind& kind = kinds_[static_cast<std::size_t>(code)];
  ++kind.count;
  if (now < kind.next) return 0;
  kind.next = now + kInterval;
  return std::exchange(kind.count, 0);
}

}  // namespace trellis::httpserver
