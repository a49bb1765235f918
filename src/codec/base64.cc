#include "codec/base64.h"

#include <array>

namespace trellis::codec {
namespace {

constexpr std::string_view kStandard =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view kUrl =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

constexpr std::array<std::uint8_t, 256> values_of(std::string_view alphabet) {
  std::array<std::uint8_t, 256> values{};
  values.fill(0xff);
  for (std::size_t i = 0; i < alphabet.size(); ++i) {
    values[static_cast<std::uint8_t>(alphabet[i])] = static_cast<std::uint8_t>(i);
  }
  return values;
}
constexpr auto kStandardValues = values_of(kStandard);
constexpr auto kUrlValues = values_of(kUrl);

tl::unexpected<Error> refused(std::string why) {
  return fail(Errc::invalid, "codec.base64", "not base64: " + std::move(why));
}

// The text without its padding, once that is known to be right.
Result<std::string_view> without_padding(std::string_view text, Base64 form) {
  std::size_t padding = 0;
  while (padding < 2 && padding < text.size() && text[text.size() - 1 - padding] == '=') ++padding;
  const bool whole = text.size() % 4 == 0;
  if (padding > 0 && (form == Base64::url || !whole)) return refused("misplaced '='");
  if (form == Base64::url_padded && !whole) return refused("the padding is missing");
  text.remove_suffix(padding);
  if (text.size() % 4 == 1) return refused("it ends in the middle of a byte");
  return text;
}

}  // namespace

std::string base64_encode(BytesView bytes, Base64 form) {
  const std::string_view alphabet = form == Base64::standard ? kStandard : kUrl;
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t n = std::min<std::size_t>(3, bytes.size() - i);
    std::uint32_t group = 0;
    for (std::size_t k = 0; k < 3; ++k) group = group << 8 | (k < n ? bytes[i + k] : 0U);
    for (std::size_t k = 0; k <= n; ++k) out += alphabet[group >> (18 - 6 * k) & 63];
    if (form != Base64::url) out.append(3 - n, '=');
  }
  return out;
}

Result<Bytes> base64_decode(std::string_view text, Base64 form) {
  TRY(std::string_view body, without_padding(text, form));
  const auto& values = form == Base64::standard ? kStandardValues : kUrlValues;
  Bytes out;
  out.reserve(body.size() * 3 / 4);
  std::uint32_t group = 0;
  std::size_t bits = 0;
  for (std::size_t i = 0; i < body.size(); ++i) {
    const std::uint8_t value = values[static_cast<std::uint8_t>(body[i])];
    if (value == 0xff) {
      return refused("character " + std::to_string(i + 1) + " is outside its alphabet");
    }
    group = group << 6 | value;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      out.push_back(static_cast<std::uint8_t>(group >> bits & 0xff));
    }
  }
  if ((group & ((1U << bits) - 1)) != 0) return refused("its last character has stray bits");
  return out;
}

}  // namespace trellis::codec
