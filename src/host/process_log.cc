#include "host/process_log.h"

#include <fmt/format.h>

#include "base/limits.h"
#include "host/guest_text.h"

namespace trellis::host {
namespace {

using namespace std::chrono_literals;

// Without the colours that terminals show: ESC [ digits and ';' m.
std::string without_colours(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text.substr(at, 2) == "\x1b[") {
      const auto end = text.find_first_not_of("0123456789;", at + 2);
      if (end != std::string_view::npos && text[end] == 'm') {
        at = end;
        continue;
      }
    }
    out += text[at];
  }
  return out;
}

std::string_view trimmed(std::string_view text) {  // 2022's providers put a '\r' around each line
  while (!text.empty() && (text.front() == '\r')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == '\r' || text.back() == ' ')) text.remove_suffix(1);
  return text;
}

}  // namespace

void ProcessLog::begin_second(Time now) {
  if (now - second_ < 1s) return;
  if (dropped_ > 0) sink_(fmt::format("({} more lines within a second are not shown)", dropped_));
  second_ = now;
  lines_ = dropped_ = bytes_ = 0;
}

void ProcessLog::write(std::string_view bytes, Time now) {
  begin_second(now);
  bytes_ += bytes.size();
  for (const char c : bytes) {
    if (c == '\n') {
      finish_line(now);
    } else {
      pending_ += c;
      if (pending_.size() == limits::kGuestLogBytesMax) finish_line(now);
    }
  }
}

void ProcessLog::finish_line(Time now) {
  begin_second(now);
  const std::string line = as_log_line(without_colours(trimmed(pending_)));
  pending_.clear();
  if (line.empty()) return;
  last_line_ = line;
  if (lines_ == limits::kProviderLogLinesPerSecond) {
    ++dropped_;
    return;
  }
  ++lines_;
  sink_(line);
}

void ProcessLog::end(Time now) {
  finish_line(now);
  begin_second(now + 1s);  // says what was dropped
}

std::chrono::milliseconds ProcessLog::pause(Time now) const {
  if (bytes_ < limits::kProviderLogBytesPerSecond || now - second_ >= 1s) return 0ms;
  return std::chrono::ceil<std::chrono::milliseconds>(second_ + 1s - now);
}

}  // namespace trellis::host
