#include "httpserver/cors.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

namespace trellis::httpserver {
namespace {

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return a.size() == b.size() &&
         std::equal(a.begin(), a.end(), b.begin(), [](unsigned char x, unsigned char y) {
           return std::tolower(x) == std::tolower(y);
         });
}

std::string joined(const std::vector<std::string>& list) {
  return fmt::format("{}", fmt::join(list, ", "));
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

net::HttpResponse forbidden(std::string_view what) {
  return net::HttpResponse::text(403, fmt::format("CORS request forbidden: {}", what));
}

}  // namespace

CorsPolicy::CorsPolicy(Cors cors)
    : cors_(std::move(cors)),
      methods_(joined(cors_.allowed_methods)),
      headers_(joined(cors_.allowed_headers)),
      exposed_(joined(cors_.exposed_headers)),
      max_age_(std::to_string(cors_.max_age_secs)) {}

bool CorsPolicy::origin_allowed(std::string_view origin) const {
  return cors_.allowed_origins.empty() ||
         std::any_of(
             cors_.allowed_origins.begin(), cors_.allowed_origins.end(),
             [&](const std::string& allowed) { return allowed == "*" || allowed == origin; });
}

bool CorsPolicy::headers_allowed(std::string_view list) const {
  while (!list.empty()) {
    const auto comma = list.find(',');
    const auto name = trimmed(list.substr(0, comma));
    list = comma == std::string_view::npos ? std::string_view{} : list.substr(comma + 1);
    const bool known =
        std::any_of(cors_.allowed_headers.begin(), cors_.allowed_headers.end(),
                    [&](const std::string& h) { return equal_ignoring_case(h, name); });
    if (!name.empty() && !known) return false;
  }
  return true;
}

std::optional<net::HttpResponse> CorsPolicy::answer(const net::HttpRequest& request) const {
  const auto origin = request.header("origin");
  if (origin.empty()) return std::nullopt;
  if (!origin_allowed(origin)) return forbidden("origin not allowed");
  const auto method = request.header("access-control-request-method");
  if (request.method != "OPTIONS" || method.empty()) return std::nullopt;
  if (std::find(cors_.allowed_methods.begin(), cors_.allowed_methods.end(), method) ==
      cors_.allowed_methods.end()) {
    return forbidden("request-method not allowed");
  }
  if (!headers_allowed(request.header("access-control-request-headers"))) {
    return forbidden("header not allowed");
  }
  net::HttpResponse response;
  response.headers.push_back({"access-control-allow-headers", headers_});
  response.headers.push_back({"access-control-allow-methods", methods_});
  response.headers.push_back({"access-control-max-age", max_age_});
  decorate(request, response);
  return response;
}

void CorsPolicy::decorate(const net::HttpRequest& request, net::HttpResponse& response) const {
  const auto origin = request.header("origin");
  if (origin.empty()) return;
  const bool answered_by_actor =
      std::any_of(response.headers.begin(), response.headers.end(), [](const net::HttpHeader& h) {
        return equal_ignoring_case(h.name, "access-control-allow-origin");
      });
  if (answered_by_actor) return;
  response.headers.push_back({"access-control-allow-origin", origin});
  response.headers.push_back({"vary", "origin"});
  if (!exposed_.empty()) response.headers.push_back({"access-control-expose-headers", exposed_});
}

}  // namespace trellis::httpserver
