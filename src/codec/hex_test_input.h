// Bytes as hexadecimal text, with spaces anywhere, and back; for tests.
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

inline std::string to_hex(BytesView bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  for (const auto byte : bytes) {
    out += kDigits[byte >> 4];
    out += kDigits[byte & 15];
  }
  return out;
}

}  // namespace trellis::codec
