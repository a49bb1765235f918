// The port that an httpserver link asks for: by the rule of 2022, which looks at `port` and
// `address` in any case, and at nothing else. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "trellis/result.h"

namespace service_applier {

using Values = std::map<std::string, std::string, std::less<>>;  // keys in lower case

inline constexpr std::int64_t kDefaultPort = 8080;

inline bool is_digit(char c) { return c >= '0' && c <= '9'; }

inline std::string lower(std::string_view text) {
  std::string out(text);
  for (auto& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  return out;
}

// A number of at most `max`, without sign; -1 if it is none. Rust's readers take leading zeros in
// ports and not in addresses.
inline std::int64_t number(std::string_view text, std::int64_t max, bool zeros = true) {
  if (text.empty() || text.size() > 9 || (!zeros && text.size() > 1 && text[0] == '0')) return -1;
  std::int64_t value = 0;
  for (const char c : text) {
    if (!is_digit(c)) return -1;
    value = value * 10 + (c - '0');
  }
  return value > max ? -1 : value;
}

inline bool is_ip4(std::string_view text) {
  for (int part = 0; part < 4; ++part) {
    const auto dot = text.find('.');
    if ((dot == std::string_view::npos) != (part == 3)) return false;
    if (number(text.substr(0, dot), 255, false) < 0) return false;
    if (part < 3) text.remove_prefix(dot + 1);
  }
  return true;
}

// How many groups of 16 bits stand there, with ':' between; -1: something else.
inline int groups_of(std::string_view text, bool may_end_in_ip4) {
  if (text.empty()) return 0;
  int groups = 0;
  while (true) {
    const auto colon = text.find(':');
    const auto group = text.substr(0, colon);
    if (colon == std::string_view::npos && may_end_in_ip4 && is_ip4(group)) return groups + 2;
    if (group.empty() || group.size() > 4) return -1;
    for (const char c : group)
      if (!is_digit(c) && !((c | 32) >= 'a' && (c | 32) <= 'f')) return -1;
    ++groups;
    if (colon == std::string_view::npos) return groups;
    text.remove_prefix(colon + 1);
  }
}

inline bool is_ip6(std::string_view text) {
  if (const auto scope = text.find('%'); scope != std::string_view::npos) {
    if (number(text.substr(scope + 1), 999'999'999) < 0) return false;
    text = text.substr(0, scope);
  }
  const auto gap = text.find("::");
  if (gap == std::string_view::npos) return groups_of(text, true) == 8;
  const int before = groups_of(text.substr(0, gap), false);
  const int after = groups_of(text.substr(gap + 2), true);
  return before >= 0 && after >= 0 && before + after < 8;
}

// "ip:port" or "[ip6]:port", no names; -1 for anything else.
inline std::int64_t port_of_address(std::string_view text) {
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) return -1;
  const auto host = text.substr(0, colon);
  const bool ip6 = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (ip6 ? !is_ip6(host.substr(1, host.size() - 2)) : !is_ip4(host)) return -1;
  return number(text.substr(colon + 1), 65535);
}

inline trellis::sdk::Result<std::int64_t> port_of(const Values& values) {
  if (const auto port = values.find("port"); port != values.end()) {
    const auto value = number(port->second, 65535);
    if (value < 1) return trellis::sdk::Error{"invalid parameter: Port value is malformed"};
    return value;
  }
  if (const auto address = values.find("address"); address != values.end()) {
    const auto value = port_of_address(address->second);
    if (value < 1) return trellis::sdk::Error{"invalid parameter: Address value is malformed"};
    return value;
  }
  return kDefaultPort;
}

}  // namespace service_applier
