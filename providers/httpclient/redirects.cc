#include "httpclient/redirects.h"

#include <fmt/format.h>

#include <algorithm>

#include "capability/link_values.h"

namespace trellis::httpclient {
namespace {

constexpr const char* kSite = "httpclient.redirect";

using Header = net::OutboundRequest::Header;

template <std::size_t N>
bool one_of(std::string_view name, const std::string_view (&names)[N]) {
  return std::any_of(std::begin(names), std::end(names), [&](std::string_view other) {
    return capability::same_ignoring_case(name, other);
  });
}

// What belongs to the connection is the client's business; Host would name another host than the
// URL, which is what was checked.
bool is_ours_to_send(std::string_view name) {
  constexpr std::string_view kNames[] = {
      "host", "content-length", "transfer-encoding", "connection", "expect",
      "te",   "trailer",        "upgrade",           "keep-alive", "proxy-connection"};
  return one_of(name, kNames);
}

// Meant for the host they were sent to, and for no other.
bool is_secret(std::string_view name) {
  constexpr std::string_view kNames[] = {"authorization", "cookie", "cookie2",
                                         "proxy-authorization", "www-authenticate"};
  return one_of(name, kNames);
}

bool is_ascii(std::string_view value) {
  return std::all_of(value.begin(), value.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

net::OutboundRequest first_request(const Settings& settings,
                                   const capability::HttpClientCall& call) {
  net::OutboundRequest request{.method = std::string(call.method),
                               .url = std::string(call.url),
                               .body = call.body,
                               .answer_bytes_max = settings.answer_bytes_max,
                               .ca_file = settings.ca_file,
                               .proxy = settings.proxy};
  std::transform(request.method.begin(), request.method.end(), request.method.begin(),
                 [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
  for (const auto& [name, value] : call.headers) {
    const bool sendable =
        net::is_header_name(name) && net::is_header_value(value) && is_ascii(value);
    if (sendable && !is_ours_to_send(name))
      request.headers.push_back({std::string(name), std::string(value)});
  }
  return request;
}

bool is_redirect(const net::OutboundAnswer& answer) {
  const auto status = answer.status;
  return !answer.location.empty() &&
         (status == 301 || status == 302 || status == 303 || status == 307 || status == 308);
}

// The next request. 307 and 308 repeat it; the older ones turn what was not a look-up into one.
void redirect(net::OutboundRequest& request, const net::OutboundAnswer& answer) {
  request.url = answer.location;
  if (answer.status == 307 || answer.status == 308) return;
  if (request.method != "GET" && request.method != "HEAD") request.method = "GET";
  request.body = {};
  std::erase_if(request.headers, [](const Header& header) {
    return capability::same_ignoring_case(header.name, "content-type") ||
           capability::same_ignoring_case(header.name, "content-encoding");
  });
}

}  // namespace

runtime::Task<net::OutboundAnswer> follow(net::HttpClient& client, const Settings& settings,
                                          const capability::HttpClientCall& call,
                                          runtime::Deadline deadline) {
  auto request = first_request(settings, call);
  CO_TRY(auto to, net::parse_http_url(request.url));
  for (unsigned redirects = 0;; ++redirects) {
    CO_TRY_OK(settings.allow.check_host(to.host, to.port, !settings.proxy.empty()));
    request.allowed = [&](const boost::asio::ip::address& address) {
      return settings.allow.check_address(to.host, to.port, address);
    };
    CO_TRY(auto answer, co_await client.send(request, deadline));
    if (!is_redirect(answer) || settings.redirects_max == 0) co_return answer;
    if (redirects == settings.redirects_max) {
      co_return fail(Errc::exhausted, kSite,
                     fmt::format("more than {} redirects, the last one to {}",
                                 settings.redirects_max, answer.location));
    }
    redirect(request, answer);
    CO_TRY(auto next, net::parse_http_url(request.url));
    if (next.host != to.host || next.port != to.port)
      std::erase_if(request.headers, [](const Header& header) { return is_secret(header.name); });
    to = std::move(next);
  }
}

}  // namespace trellis::httpclient
