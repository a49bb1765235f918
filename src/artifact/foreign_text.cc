#include "artifact/foreign_text.h"

namespace trellis::artifact {

std::string shown(std::string_view foreign, std::size_t bytes_max) {
  const bool cut = foreign.size() > bytes_max;
  std::string text(foreign.substr(0, bytes_max));
  for (char& c : text) {
    if (c == '\n' || c == '\t' || c == '\r') c = ' ';
    if (c < 0x20 || c > 0x7e) c = '?';
  }
  return cut ? text + "…" : text;
}

}  // namespace trellis::artifact
