// Which hosts an actor may have called: the value `allow` of an httpclient link. Pure.
//
//   (none)                    every host with a public address
//   api.example.com           this host, wherever it is; with :443, on that port only
//   *.example.com             every host below it
//   10.1.0.0/16, ::1          addresses and networks
//   *                         as if nothing were given
//
// A name that is listed may lead to a private network or to this machine: whoever listed it knows.
// Link- local and cloud metadata addresses must be listed as addresses. docs/capabilities.md says
// it for users.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/ip/address.hpp>

#include "base/result.h"

namespace trellis::httpclient {

class AllowList {
 public:
  // Errors (invalid) show the entry that is none.
  static Result<AllowList> parse(const std::vector<std::string>& entries);

  // Before the host is looked up: whether there is any address at which it may be called. A host
  // that is an address is checked as one. A proxy looks names up by itself: no address will be seen
  // then, and only names that are listed pass. Errors: denied, in words.
  Result<void> check_host(const std::string& host, std::uint16_t port, bool by_proxy = false) const;

  // An address that `host` turned out to have.
  Result<void> check_address(const std::string& host, std::uint16_t port,
                             const boost::asio::ip::address& address) const;

  bool empty() const { return entries_.empty(); }
  bool has_addresses() const;

 private:
  struct Entry {
    std::string name;    // "" when it is a network; "*" is every host
    bool below = false;  // *.name
    boost::asio::ip::address network;
    unsigned bits = 0;
    std::optional<std::uint16_t> port;
  };
  static Result<Entry> parse_entry(const std::string& text);
  bool names(const std::string& host, std::uint16_t port) const;
  bool any_public(std::uint16_t port) const;
  bool lists(const boost::asio::ip::address& address, std::uint16_t port) const;

  std::vector<Entry> entries_;
};

}  // namespace trellis::httpclient
