// Numbers of the Wasm binary format in LEB128 (WebAssembly core spec 1.0 §5.2.2). Used by whoever
// looks into Wasm files.
#pragma once

#include <concepts>
#include <cstdint>
#include <optional>

#include "base/bytes.h"

namespace trellis {

// The number that `from` begins with, which is then behind it; none if the bytes end within it or
// it does not fit a Number. Padded forms, which linkers write, are read like the shortest one.
template <std::integral Number>
std::optional<Number> read_leb128(BytesView& from) {
  constexpr unsigned kBits = 8 * sizeof(Number);
  std::uint64_t value = 0;
  for (unsigned shift = 0; shift < kBits; shift += 7) {
    if (from.empty()) return {};
    const std::uint8_t byte = from.front();
    from = from.subspan(1);
    const std::uint8_t digits = byte & 0x7f;
    value |= std::uint64_t{digits} << shift;
    if (shift + 7 > kBits) {  // the last byte there may be: what does not fit repeats the sign
      const unsigned fits = kBits - shift;
      if constexpr (std::signed_integral<Number>) {
        const auto sign_and_above = digits >> (fits - 1);
        if (sign_and_above != 0 && sign_and_above != 0x7f >> (fits - 1)) return {};
      } else {
        if (digits >> fits != 0) return {};
      }
    }
    if ((byte & 0x80) != 0) continue;
    if constexpr (std::signed_integral<Number>) {
      const bool negative = (byte & 0x40) != 0;
      if (negative && shift + 7 < 64) value |= ~std::uint64_t{0} << (shift + 7);
    }
    return static_cast<Number>(value);
  }
  return {};
}

// In the shortest form.
template <std::integral Number>
void append_leb128(Bytes& out, Number value) {
  for (;;) {
    const auto digits = static_cast<std::uint8_t>(value & 0x7f);
    value = static_cast<Number>(value >> 7);  // of a negative one: with its sign
    bool last = value == 0;
    if constexpr (std::signed_integral<Number>) {
      const bool negative = (digits & 0x40) != 0;
      last = negative ? value == -1 : value == 0;
    }
    out.push_back(last ? digits : static_cast<std::uint8_t>(digits | 0x80));
    if (last) return;
  }
}

}  // namespace trellis
