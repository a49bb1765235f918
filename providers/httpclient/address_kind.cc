#include "httpclient/address_kind.h"

#include <boost/asio/ip/network_v4.hpp>
#include <boost/asio/ip/network_v6.hpp>

namespace trellis::httpclient {
namespace {

namespace ip = boost::asio::ip;

struct Block4 {
  std::uint32_t network;
  unsigned bits;
  AddressKind kind;
};

constexpr std::uint32_t v4(std::uint32_t a, std::uint32_t b, std::uint32_t c, std::uint32_t d) {
  return a << 24 | b << 16 | c << 8 | d;
}

// The first that matches counts.
constexpr Block4 kBlocks4[] = {
    {v4(168, 63, 129, 16), 32, AddressKind::metadata},    // Azure
    {v4(100, 100, 100, 200), 32, AddressKind::metadata},  // Alibaba
    {v4(169, 254, 0, 0), 16, AddressKind::metadata},      // link-local: AWS, Google, Azure, …
    {v4(127, 0, 0, 0), 8, AddressKind::loopback},
    {v4(10, 0, 0, 0), 8, AddressKind::internal},
    {v4(172, 16, 0, 0), 12, AddressKind::internal},
    {v4(192, 168, 0, 0), 16, AddressKind::internal},
    {v4(100, 64, 0, 0), 10, AddressKind::internal},
    {v4(198, 18, 0, 0), 15, AddressKind::internal},  // benchmarks
    {v4(0, 0, 0, 0), 8, AddressKind::special},       // 0.0.0.0 is this machine to Linux
    {v4(192, 0, 0, 0), 24, AddressKind::special},
    {v4(192, 0, 2, 0), 24, AddressKind::special},
    {v4(198, 51, 100, 0), 24, AddressKind::special},
    {v4(203, 0, 113, 0), 24, AddressKind::special},
    {v4(224, 0, 0, 0), 3, AddressKind::special},  // multicast and beyond
};

AddressKind kind_of_v4(std::uint32_t address) {
  for (const auto& block : kBlocks4) {
    const std::uint32_t mask = block.bits == 0 ? 0 : ~std::uint32_t{0} << (32 - block.bits);
    if ((address & mask) == block.network) return block.kind;
  }
  return AddressKind::global;
}

bool begins(const ip::address_v6::bytes_type& address, std::initializer_list<std::uint8_t> with) {
  return std::equal(with.begin(), with.end(), address.begin());
}

std::uint32_t v4_at(const ip::address_v6::bytes_type& address, std::size_t at) {
  return v4(address[at], address[at + 1], address[at + 2], address[at + 3]);
}

AddressKind kind_of_v6(const ip::address_v6& address) {
  const auto bytes = address.to_bytes();
  if (address.is_v4_mapped()) return kind_of_v4(v4_at(bytes, 12));
  if (begins(bytes, {0, 0x64, 0xff, 0x9b})) return kind_of_v4(v4_at(bytes, 12));  // NAT64
  if (begins(bytes, {0x20, 0x02})) return kind_of_v4(v4_at(bytes, 2));            // 6to4
  if (address.is_loopback()) return AddressKind::loopback;
  if (begins(bytes, {0xfd, 0x00, 0x0e, 0xc2})) return AddressKind::metadata;  // AWS
  if (address.is_link_local()) return AddressKind::metadata;
  if ((bytes[0] & 0xfe) == 0xfc || address.is_site_local()) return AddressKind::internal;
  // Global unicast is 2000::/3; of it, Teredo (2001::/32) and documentation lead nowhere.
  if ((bytes[0] & 0xe0) != 0x20 || begins(bytes, {0x20, 0x01, 0, 0}) ||
      begins(bytes, {0x20, 0x01, 0x0d, 0xb8}))
    return AddressKind::special;
  return AddressKind::global;
}

}  // namespace

AddressKind kind_of(const ip::address& address) {
  return address.is_v4() ? kind_of_v4(address.to_v4().to_uint()) : kind_of_v6(address.to_v6());
}

std::string_view to_string(AddressKind kind) {
  switch (kind) {
    case AddressKind::loopback:
      return "this machine's own address";
    case AddressKind::internal:
      return "a private network's address";
    case AddressKind::metadata:
      return "a link-local or cloud metadata address";
    case AddressKind::special:
      return "an address that is nobody's";
    case AddressKind::global:
      break;
  }
  return "a public address";
}

}  // namespace trellis::httpclient
