// An http or https URL as far as asking a registry needs it. A value; pure. libcurl's parser, so
// that what is compared here is what is asked later.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace trellis::registry {

struct Url {
  std::string scheme;  // "http" | "https"
  std::string host;
  std::string port;  // always there
  std::string rest;  // path and query, begins with '/'

  std::string text() const;
  std::string origin() const;  // scheme://host:port, fit for sentences: queries may hold secrets
  bool same_origin(const Url& other) const;
};

// Absolute, http or https, without user and password in it.
Result<Url> parse_url(std::string_view text);
// Where a Location header leads, seen from `base`.
Result<Url> resolve(const Url& base, std::string_view location);

std::string percent_encoded(std::string_view text);  // for a query

// "localhost", 127.x.x.x, ::1: nobody listens between us and such a host.
bool is_loopback(std::string_view host);

}  // namespace trellis::registry
