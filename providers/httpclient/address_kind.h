// What sort of network an address belongs to, as far as it matters for who may be sent there on an
// actor's behalf. Pure. From the special-purpose registries of RFC 6890 and what clouds put beside
// them.
#pragma once

#include <string_view>

#include <boost/asio/ip/address.hpp>

namespace trellis::httpclient {

enum class AddressKind {
  global,    // the internet
  loopback,  // this machine
  internal,  // private networks: RFC 1918, unique local, carrier-grade NAT
  metadata,  // link-local, and the addresses where clouds hand out credentials
  special    // multicast, unspecified, reserved, documentation: nobody's
};

// An IPv4 address inside an IPv6 one (mapped, NAT64, 6to4) counts as itself.
AddressKind kind_of(const boost::asio::ip::address& address);

std::string_view to_string(AddressKind kind);  // "a private network's address"

}  // namespace trellis::httpclient
