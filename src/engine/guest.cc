#include "engine/guest.h"

#include <algorithm>

namespace trellis::engine {

void LineBuffer::write(std::string_view text, HostCalls& host) {
  while (!text.empty()) {
    const std::size_t line = text.find('\n');
    const std::size_t room = limits::kGuestLogBytesMax - pending_.size();
    const std::size_t take = std::min({line, text.size(), room});
    if (line == take) {
      if (pending_.empty()) {
        host.guest_log(text.substr(0, take));
      } else {
        pending_.append(text.substr(0, take));
        flush(host);
      }
      text.remove_prefix(take + 1);
      continue;
    }
    pending_.append(text.substr(0, take));
    text.remove_prefix(take);
    if (pending_.size() == limits::kGuestLogBytesMax) flush(host);
  }
}

void LineBuffer::flush(HostCalls& host) {
  if (pending_.empty()) return;
  host.guest_log(pending_);
  pending_.clear();
}

}  // namespace trellis::engine
