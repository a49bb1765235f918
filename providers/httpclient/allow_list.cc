#include "httpclient/allow_list.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "httpclient/address_kind.h"

namespace trellis::httpclient {
namespace {

namespace ip = boost::asio::ip;

constexpr const char* kSite = "httpclient.allow";

tl::unexpected<Error> bad(const std::string& entry, std::string_view why) {
  return fail(
      Errc::invalid, kSite,
      fmt::format("allow: '{}' {}; an entry is a host (api.example.com, *.example.com, *), an "
                  "address or a network (10.0.0.0/8), each with or without :port",
                  entry, why));
}

template <class Number>
bool parse_number(std::string_view text, Number& out) {
  const auto* end = text.data() + text.size();
  const auto [at, ec] = std::from_chars(text.data(), end, out);
  return ec == std::errc{} && at == end;
}

bool is_host_name(std::string_view name) {
  return !name.empty() && name.front() != '.' && name.back() != '.' &&
         name.find("..") == std::string_view::npos &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
                  c == '.';
         });
}

// "host:443", "[::1]:443" → the text without the port, and the port. A bare IPv6 address has none.
Result<std::optional<std::uint16_t>> take_port(const std::string& entry, std::string& text) {
  std::string_view port;
  if (text.starts_with('[')) {
    const auto close = text.find(']');
    if (close == std::string::npos) return bad(entry, "has no ']'");
    port = std::string_view(text).substr(close + 1);
    if (!port.empty() && port.front() != ':') return bad(entry, "is no address");
  } else if (const auto colon = text.find(':');
             colon != std::string::npos && text.find(':', colon + 1) == std::string::npos) {
    port = std::string_view(text).substr(colon);
  }
  std::optional<std::uint16_t> number;
  if (!port.empty()) {
    number.emplace();
    if (!parse_number(port.substr(1), *number) || *number == 0)
      return bad(entry, "has a port that is none");
    text.resize(text.size() - port.size());
  }
  if (text.starts_with('[')) text = text.substr(1, text.size() - 2);
  return number;
}

ip::address normal(const ip::address& address) {
  if (address.is_v6() && address.to_v6().is_v4_mapped())
    return ip::make_address_v4(ip::v4_mapped, address.to_v6());
  return address;
}

template <class Bytes>
bool same_prefix(const Bytes& a, const Bytes& b, unsigned bits) {
  for (std::size_t i = 0; i < a.size() && bits > 0; ++i) {
    const unsigned here = std::min(bits, 8u);
    if (((a[i] ^ b[i]) >> (8 - here)) != 0) return false;
    bits -= here;
  }
  return true;
}

bool contains(const ip::address& network, unsigned bits, const ip::address& address) {
  if (network.is_v4() != address.is_v4()) return false;
  return network.is_v4()
             ? same_prefix(network.to_v4().to_bytes(), address.to_v4().to_bytes(), bits)
             : same_prefix(network.to_v6().to_bytes(), address.to_v6().to_bytes(), bits);
}

}  // namespace

Result<AllowList> AllowList::parse(const std::vector<std::string>& entries) {
  AllowList list;
  for (const auto& entry : entries) {
    TRY(auto parsed, parse_entry(entry));
    list.entries_.push_back(std::move(parsed));
  }
  return list;
}

Result<AllowList::Entry> AllowList::parse_entry(const std::string& entry) {
  std::string text = entry;
  std::transform(text.begin(), text.end(), text.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  if (text.find("://") != std::string::npos) return bad(entry, "is a URL");
  Entry parsed;
  TRY(parsed.port, take_port(entry, text));
  const auto slash = text.find('/');
  boost::system::error_code ec;
  const auto address = ip::make_address(text.substr(0, slash), ec);
  if (!ec) {
    parsed.network = normal(address);
    const unsigned all = parsed.network.is_v4() ? 32 : 128;
    parsed.bits = all;
    if (slash != std::string::npos &&
        (!parse_number(std::string_view(text).substr(slash + 1), parsed.bits) || parsed.bits > all))
      return bad(entry, "has a prefix length that is none");
    return parsed;
  }
  parsed.below = text.starts_with("*.");
  parsed.name = parsed.below ? text.substr(2) : text;
  if (parsed.name != "*" && !is_host_name(parsed.name)) return bad(entry, "is no host");
  return parsed;
}

bool AllowList::has_addresses() const {
  return std::any_of(entries_.begin(), entries_.end(),
                     [](const Entry& entry) { return entry.name.empty(); });
}

bool AllowList::names(const std::string& host, std::uint16_t port) const {
  return std::any_of(entries_.begin(), entries_.end(), [&](const Entry& entry) {
    if (entry.name.empty() || entry.port.value_or(port) != port) return false;
    if (!entry.below) return entry.name == host;
    return host.size() > entry.name.size() + 1 && host.ends_with(entry.name) &&
           host[host.size() - entry.name.size() - 1] == '.';
  });
}

bool AllowList::any_public(std::uint16_t port) const {
  return entries_.empty() || std::any_of(entries_.begin(), entries_.end(), [&](const Entry& entry) {
           return entry.name == "*" && entry.port.value_or(port) == port;
         });
}

bool AllowList::lists(const ip::address& address, std::uint16_t port) const {
  return std::any_of(entries_.begin(), entries_.end(), [&](const Entry& entry) {
    return entry.name.empty() && entry.port.value_or(port) == port &&
           contains(entry.network, entry.bits, address);
  });
}

Result<void> AllowList::check_host(const std::string& host, std::uint16_t port,
                                   bool by_proxy) const {
  boost::system::error_code ec;
  const auto address = ip::make_address(host, ec);
  if (!ec) return check_address(host, port, address);
  if (names(host, port) || any_public(port) || (has_addresses() && !by_proxy)) return {};
  return fail(Errc::denied, kSite,
              fmt::format("host '{}' (port {}) is not in the link's `allow` list", host, port));
}

Result<void> AllowList::check_address(const std::string& host, std::uint16_t port,
                                      const ip::address& given) const {
  const auto address = normal(given);
  if (lists(address, port)) return {};
  const auto kind = kind_of(address);
  if (names(host, port) && kind != AddressKind::metadata && kind != AddressKind::special) return {};
  if (any_public(port) && kind == AddressKind::global) return {};
  const auto which = host == address.to_string() ? fmt::format("{} (port {})", host, port)
                                                 : fmt::format("{}, an address of '{}' (port {}),",
                                                               address.to_string(), host, port);
  return fail(Errc::denied, kSite,
              fmt::format("{} is not allowed: it is {}; if it is meant, put it into the link's "
                          "`allow` list",
                          which, to_string(kind)));
}

}  // namespace trellis::httpclient
