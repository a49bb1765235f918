// The CORS rules of an httpserver link: what a browser page of another origin may ask. Requests
// without an Origin header pass untouched. Behaviour of 2022's provider: docs/protocol.md §10.
#pragma once

#include <optional>

#include "httpserver/settings.h"
#include "net/http.h"

namespace trellis::httpserver {

class CorsPolicy {
 public:
  explicit CorsPolicy(Cors cors);

  // A complete answer when the actor is not to be asked: a preflight's, or 403 for what is not
  // allowed.
  std::optional<net::HttpResponse> answer(const net::HttpRequest& request) const;
  // Adds what the browser needs to see to the actor's own answer. The views it adds point into
  // `request` and into this policy.
  void decorate(const net::HttpRequest& request, net::HttpResponse& response) const;

 private:
  bool origin_allowed(std::string_view origin) const;
  bool headers_allowed(std::string_view list) const;

  Cors cors_;
  std::string methods_, headers_, exposed_, max_age_;  // joined once
};

}  // namespace trellis::httpserver
