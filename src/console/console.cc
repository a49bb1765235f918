#include "console/console.h"

#include <fmt/format.h>

#include <array>
#include <charconv>

#include <boost/json/array.hpp>

#include "base/log.h"
#include "codec/json.h"
#include "console/probes.h"
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
    case Errc::timeout:
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

runtime::Task<std::string> start_on_host(host::Host& host, Bytes wasm, std::uint16_t count) {
  const host::Host::Visit visit(host);
  co_return co_await host.start_actor(std::move(wasm), count);
}

bool is_loopback_name(std::string_view host) {
  host = host.substr(0, host.starts_with('[') ? host.find(']') + 1 : host.find(':'));
  return host == "localhost" || host == "127.0.0.1" || host == "[::1]";
}

}  // namespace

runtime::Task<std::unique_ptr<Console>> Console::start(runtime::Cores& own, runtime::Cores& serving,
                                                       host::Host& host) {
  std::unique_ptr<Console> console(new Console(serving, host));
  const auto& config = host.config();
  const bool bare_ip6 =
      config.dashboard_host.find(':') != std::string::npos && config.dashboard_host.front() != '[';
  net::HttpServerOptions options;
  options.address = bare_ip6 ? fmt::format("[{}]:{}", config.dashboard_host, config.dashboard_port)
                             : fmt::format("{}:{}", config.dashboard_host, config.dashboard_port);
  options.body_bytes_max = limits::kModuleBytesMax;
  CO_TRY(console->server_, co_await net::HttpServer::listen(own, std::move(options), *console));
  co_return console;
}

Console::~Console() = default;

runtime::Task<void> Console::close(runtime::Deadline deadline) {
  co_return co_await server_->close(deadline);
}

runtime::Task<net::HttpResponse> Console::handle(const net::HttpRequest& request) {
  if (request.path == "/api/livez") co_return livez(serving_);
  if (request.path == "/api/readyz") co_return co_await ready();
  if (!is_for_everybody(request.path) && !may_use_api(request)) {
    co_return problem(403,
                      "the page and the API are for callers on this host's own machine (kubectl "
                      "port-forward is one); TRELLIS_API_REMOTE=1 opens them to all");
  }
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
  auto answer = co_await serving_.ask<net::HttpResponse>(
      0, std::move(make), runtime::Deadline::in(limits::kConsoleReadTimeout), "console.read");
  if (answer) co_return answer;
  co_return problem(status_of(answer.error().code), answer.error().detail);
}

runtime::Task<net::HttpResponse> Console::ready() {
  if (host_.leaving()) co_return readyz({.why_not = "stopping", .bus_connected = true});
  std::function<runtime::Task<host::Host::Readiness>()> make =
      [&host = host_]() -> runtime::Task<host::Host::Readiness> { co_return host.readiness(); };
  auto readiness = co_await serving_.ask<host::Host::Readiness>(
      0, std::move(make), runtime::Deadline::in(limits::kConsoleAskTimeout), "console.ready");
  if (!readiness) co_return readyz({.why_not = readiness.error().detail, .bus_connected = true});
  co_return readyz(*readiness);
}

runtime::Task<net::HttpResponse> Console::read(std::string path) {
  if (!host_.serving()) co_return problem(503, "this host is stopping");
  const host::Host::Visit visit(host_);
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
// this port open, be it by `kubectl port-forward`: its name resolves to this machine, and is not
// this machine's own.
bool Console::known_name(const net::HttpRequest& request) const {
  const auto& config = host_.config();
  const bool open_to_all = config.api_remote && !is_loopback_name(config.dashboard_host);
  return open_to_all || is_for_everybody(request.path) || is_loopback_name(request.header("host"));
}

bool Console::may_use_api(const net::HttpRequest& request) const {
  const auto& config = host_.config();
  return config.api_remote || is_loopback_name(config.dashboard_host) ||
         is_from_this_machine(request.remote);
}

runtime::Task<net::HttpResponse> Console::start_actor(const net::HttpRequest& request) {
  // A body of a type that no form can send: browsers ask before they post it to another site.
  if (request.header("content-type") != "application/wasm") {
    co_return problem(
        415, "send a signed module with 'content-type: application/wasm' to this host's own name");
  }
  // Shared with what core 0 still does for it when nobody waits here any more.
  auto wasm = std::make_shared<Bytes>(request.body.begin(), request.body.end());
  std::function<runtime::Task<std::string>()> make = [this, wasm = std::move(wasm),
                                                      count = count_from(request.query)] {
    return start_on_host(host_, std::move(*wasm), count);
  };
  auto key = co_await serving_.ask<std::string>(
      0, std::move(make), runtime::Deadline::in(limits::kConsoleCommandTimeout), "console.start");
  if (!key) co_return problem(status_of(key.error().code), key.error().detail);
  co_return as_json(200, json::object{{"actor_id", *key}});
}

}  // namespace trellis::console
