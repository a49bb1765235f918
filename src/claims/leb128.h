// Numbers of the Wasm binary format in LEB128 (WebAssembly core spec 1.0 §5.2.2). Used by the
// readers and writers of Wasm files in this room.
#pragma once

#include <concepts>
#include <cstdint>
#include <optional>

#include "base/bytes.h"

namespace trellis::claims {

// The number at `pos`, which moves behind it; none if the bytes end inside it or it does not fit a
// Number. Padded forms, which linkers write, are read like the shortest one.
template <std::integral Number>
std::optional<Number> read_leb128(BytesView bytes, std::size_t& pos) {
  constexpr unsigned kBits = 8 * sizeof(Number);
  static_assert(kBits == 32 || std::signed_integral<Number>);  // Wasm 1.0 has no others
  std::uint64_t value = 0;
  for (unsigned shift = 0; shift < kBits; shift += 7) {
    if (pos >= bytes.size()) return {};
    const std::uint8_t byte = bytes[pos++];
    value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
    if ((byte & 0x80) != 0) continue;
    const unsigned used = shift + 7;
    if constexpr (std::signed_integral<Number>) {
      if (used < 64 && (byte & 0x40) != 0) value |= ~std::uint64_t{0} << used;
      const auto number = static_cast<Number>(value);
      if (used > kBits && static_cast<std::int64_t>(value) != number && kBits < 64) return {};
      return number;
    } else {
      if (kBits < 64 && value >> kBits != 0) return {};
      return static_cast<Number>(value);
    }
  }
  return {};
}

// In the shortest form.
template <std::integral Number>
void append_leb128(Bytes& out, Number value) {
  for (;;) {
    const auto low = static_cast<std::uint8_t>(value & 0x7f);
    value = static_cast<Number>(value >> 7);  // of a signed one: with its sign
    const bool last =
        std::signed_integral<Number> ? (low & 0x40) != 0 ? value == -1 : value == 0 : value == 0;
    out.push_back(last ? low : static_cast<std::uint8_t>(low | 0x80));
    if (last) return;
  }
}

}  // namespace trellis::claims
