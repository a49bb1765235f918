#include "codec/yaml_scalar.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>
#include <string>

namespace trellis::codec {
namespace {

namespace json = boost::json;

template <std::size_t N>
bool one_of(std::string_view text, const std::string_view (&words)[N]) {
  return std::find(std::begin(words), std::end(words), text) != std::end(words);
}

// In lower case, capitalised or in capitals; "tRue" is a text.
std::optional<std::string> as_word(std::string_view text) {
  std::string lower, upper;
  for (const char c : text) {
    const bool small = c >= 'a' && c <= 'z', large = c >= 'A' && c <= 'Z';
    if (!small && !large) return std::nullopt;
    lower += static_cast<char>(large ? c + 32 : c);
    upper += static_cast<char>(small ? c - 32 : c);
  }
  if (text != lower && text != upper && text.substr(1) != std::string_view(lower).substr(1))
    return std::nullopt;
  return lower;
}

template <class Number>
std::optional<Number> whole(std::string_view digits, int base) {
  Number number{};
  const auto* end = digits.data() + digits.size();
  const auto [at, error] = std::from_chars(digits.data(), end, number, base);
  if (digits.empty() || error != std::errc() || at != end) return std::nullopt;
  return number;
}

std::optional<json::value> integer(std::string_view text) {
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  int base = 10;
  if (text.size() > 1 && text[0] == '0') {
    const char kind = text[1];
    base = kind == 'x' ? 16 : kind == 'b' ? 2 : 8;
    text.remove_prefix(kind == 'x' || kind == 'b' || kind == 'o' ? 2 : 1);
  }
  const auto size = whole<std::uint64_t>(text, base);
  if (!size) return std::nullopt;
  constexpr auto kMostNegative = std::uint64_t{1} << 63;
  if (!negative && *size < kMostNegative) return json::value(static_cast<std::int64_t>(*size));
  if (!negative) return json::value(*size);
  if (*size > kMostNegative) return std::nullopt;
  return json::value(static_cast<std::int64_t>(0 - *size));
}

// 1.5, .5, 1., 1e3: digits must be there, or "e1" and "." were numbers.
std::optional<json::value> floating(std::string_view text) {
  const bool plus = text.starts_with('+');
  if (plus) text.remove_prefix(1);
  auto rest = text;
  if (!plus && rest.starts_with('-')) rest.remove_prefix(1);
  const auto digits = rest.find_first_of("0123456789");
  if (digits > 1 || (digits == 1 && rest[0] != '.')) return std::nullopt;
  double number = 0;
  const auto* end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || at != end || !std::isfinite(number)) return std::nullopt;
  return json::value(number);
}

}  // namespace

json::value yaml_plain_scalar(std::string_view text) {
  constexpr std::string_view kTrue[] = {"true", "yes", "on"}, kFalse[] = {"false", "no", "off"};
  if (text.empty() || text == "~") return nullptr;
  if (const auto word = as_word(text)) {
    if (*word == "null") return nullptr;
    if (one_of(*word, kTrue)) return true;
    if (one_of(*word, kFalse)) return false;
    return json::value(text);
  }
  std::string digits(text);
  if (digits[0] != '_') std::erase(digits, '_');
  if (auto number = integer(digits)) return *number;
  if (auto number = floating(digits)) return *number;
  return json::value(text);
}

}  // namespace trellis::codec
