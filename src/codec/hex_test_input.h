// Bytes as hexadecimal text with spaces anywhere, for tests.
#pragma once

#include <cstdlib>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace trellis::codec {

inline Bytes from_hex(std::string_view hex) {
  Bytes out;
  std::string digits;
  for (const char c : hex) {
    if (c != ' ' && c != '\n') digits += c;
    if (digits.size() < 2) continue;
    out.push_back(static_cast<std::uint8_t>(std::strtoul(digits.c_str(), nullptr, 16)));
    digits.clear();
  }
  return out;
}

}  // namespace trellis::codec
