#include "console/console.h"

#include <fmt/format.h>

#include <array>
#include <charconv>

#include <boost/json/array.hpp>

#include "base/log.h"
#include "codec/json.h"
#include "console/status_page.h"
#include "metrics/exposition.h"

namespace trellis::console {
namespace {

namespace json = boost::json;

constexpr std::string_view kJson = "application/json";

net::HttpResponse as_json(std::uint16_t status, const json::value& value) {
  return net::HttpResponse::text(status, codec::json_write(value) + "\n", kJson);
}

net::HttpResponse problem(std::uint16_t status, std::string_view what) {
  return as_json(status, json::object{{"error", what}});
}

net::HttpResponse page(std::string_view html) {
  auto response = net::HttpResponse::text(200, html, "text/html; charset=utf-8");
  response.headers.push_back(
      {"content-security-policy",
       "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"});
  response.headers.push_back({"x-content-type-options", "nosniff"});
  return response;
}

std::uint16_t status_of(Errc code) {
  switch (code) {
    case Errc::invalid:
    case Errc::corrupt:
      return 400;
    case Errc::unauthenticated:
    case Errc::denied:
      return 403;
    case Errc::not_found:
      return 404;
    case Errc::exhausted:
    case Errc::unavailable:
      return 503;
    default:
      return 500;
  }
}

std::uint16_t count_from(std::string_view query) {
  constexpr std::string_view kKey = "count=";
  std::uint16_t count = 1;
  if (const auto at = query.find(kKey); at != std::string_view::npos) {
    const auto text = query.substr(at + kKey.size());
    std::from_chars(text.data(), text.data() + text.size(), count);
  }
  return count;
}

bool is_loopback_name(std::string_view host) {
  host = host.substr(0, host.starts_with('[') ? host.find(']') + 1 : host.find(':'));
  return host == "localhost" || host == "127.0.0.1" || host == "[::1]";
}

}  // namespace

runtime::Task<std::unique_ptr<Console>> Console::start(runtime::Cores& cores, host::Host& host) {
  std::unique_ptr<Console> console(new Console(cores, host));
  const auto& config = host.config();
  const bool bare_ip6 =
      config.dashboard_host.find(':') != std::string::npos && config.dashboard_host.front() != '[';
  net::HttpServerOptions options;
  options.address = bare_ip6 ? fmt::format("[{}]:{}", config.dashboard_host, config.dashboard_port)
                             : fmt::format("{}:{}", config.dashboard_host, config.dashboard_port);
  options.body_bytes_max = limits::kModuleBytesMax;
  CO_TRY(console->server_, co_await net::HttpServer::listen(cores, std::move(options), *console));
  co_return console;
}

Console::~Console() = default;

runtime::Task<void> Console::close(runtime::Deadline deadline) {
  co_return co_await server_->close(deadline);
}

runtime::Task<net::HttpResponse> Console::handle(const net::HttpRequest& request) {
  if (request.path == "/api/livez") co_return as_json(200, json::object{{"live", true}});
  if (request.path == "/api/readyz") co_return ready();
  if (!known_name(request)) {
    co_return problem(421, "ask this host by the name localhost");
  }
  if (request.path == "/api/v1/actors" && request.method == "POST")
    co_return co_await start_actor(request);
  if (request.method != "GET" && request.method != "HEAD") {
    co_return problem(405, fmt::format("{} is not allowed on {}", request.method, request.path));
  }
  std::function<runtime::Task<net::HttpResponse>()> make =
      [this, path = std::string(request.path)] { return read(path); };
  co_return co_await cores_.run_on<net::HttpResponse>(0, std::move(make));
}

net::HttpResponse Console::ready() const {
  const bool ready = host_.ready();
  return as_json(ready ? 200 : 503, json::object{{"ready", ready}});
}

runtime::Task<net::HttpResponse> Console::read(std::string path) {
  if (!host_.ready()) co_return problem(503, "this host is stopping");
  auto& control = host_.control();
  if (path == "/") {
    CO_TRY(const auto links, co_await control.links());
    co_return page(status_page(host_.describe(), control.inventory(), links.at("links").as_array(),
                               host_.bus_description()));
  }
  if (path == "/api/v1/host") {
    auto described = control::to_json(host_.describe());
    described["bus_port"] = host_.bus_port();
    co_return as_json(200, described);
  }
  if (path == "/api/v1/inventory") co_return as_json(200, control::to_json(control.inventory()));
  if (path == "/api/v1/links") {
    CO_TRY(const auto links, co_await control.links());
    co_return as_json(200, links);
  }
  if (path == "/metrics") {
    const auto text = co_await host_.metrics();
    if (!text) co_return problem(503, text.error().detail);
    co_return net::HttpResponse::text(200, *text, metrics::kContentType);
  }
  if (path == "/api/v1/claims") co_return as_json(200, control.claims());
  co_return problem(404, fmt::format("nothing at {}", path));
}

// A page of another site must not read or change this host through the browser of somebody who has
// this port open: a name that only resolves to this machine is refused while the port is this
// machine's alone.
bool Console::known_name(const net::HttpRequest& request) const {
  return !is_loopback_name(host_.config().dashboard_host) ||
         is_loopback_name(request.header("host"));
}

runtime::Task<net::HttpResponse> Console::start_actor(const net::HttpRequest& request) {
  // A body of a type that no form can send: browsers ask before they post it to another site.
  if (request.header("content-type") != "application/wasm") {
    co_return problem(
        415, "send a signed module with 'content-type: application/wasm' to this host's own name");
  }
  std::function<runtime::Task<std::string>()> make = [this,
                                                      &request]() -> runtime::Task<std::string> {
    return host_.start_actor(Bytes(request.body.begin(), request.body.end()),
                             count_from(request.query));
  };
  auto key = co_await cores_.run_on<std::string>(0, std::move(make));
  if (!key) co_return problem(status_of(key.error().code), key.error().detail);
  co_return as_json(200, json::object{{"actor_id", *key}});
}

}  // namespace trellis::console
