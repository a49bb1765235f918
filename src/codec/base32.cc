#include "codec/base32.h"

namespace trellis::codec {
namespace {

constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

tl::unexpected<Error> refused(std::string why) {
  return fail(Errc::invalid, "codec.base32", "not base32: " + std::move(why));
}

int value_of(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= '2' && c <= '7') return c - '2' + 26;
  return -1;
}

}  // namespace

std::string base32_encode(BytesView bytes) {
  std::string out;
  out.reserve((bytes.size() * 8 + 4) / 5);
  std::uint32_t group = 0;
  unsigned bits = 0;
  for (const std::uint8_t byte : bytes) {
    group = group << 8 | byte;
    for (bits += 8; bits >= 5; bits -= 5) out += kAlphabet[group >> (bits - 5) & 31];
  }
  if (bits > 0) out += kAlphabet[group << (5 - bits) & 31];
  return out;
}

Result<Bytes> base32_decode(std::string_view text) {
  const std::size_t tail = text.size() % 8;
  if (tail == 1 || tail == 3 || tail == 6) return refused("it ends in the middle of a byte");
  Bytes out;
  out.reserve(text.size() * 5 / 8);
  std::uint32_t group = 0;
  unsigned bits = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const int value = value_of(text[i]);
    if (value < 0) {
      return refused("character " + std::to_string(i + 1) + " is outside A-Z and 2-7");
    }
    group = group << 5 | static_cast<std::uint32_t>(value);
    bits += 5;
    if (bits >= 8) {
      bits -= 8;
      out.push_back(static_cast<std::uint8_t>(group >> bits & 0xff));
    }
  }
  if ((group & ((1U << bits) - 1)) != 0) return refused("its last character has stray bits");
  return out;
}

}  // namespace trellis::codec
