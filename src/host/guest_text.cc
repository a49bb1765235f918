#include "host/guest_text.h"

#include <fmt/format.h>

#include "codec/utf8.h"

namespace trellis::host {

std::string as_log_line(std::string_view text) {
  const bool utf8 = codec::is_utf8(text);
  std::string line;
  line.reserve(text.size());
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '\n') {
      line += "\\n";
    } else if (byte < 0x20 || byte == 0x7f || (byte >= 0x80 && !utf8)) {
      line += fmt::format("\\x{:02x}", byte);
    } else {
      line += c;
    }
  }
  return line;
}

}  // namespace trellis::host
