#include "net/http_server.h"

#include <sys/resource.h>

#include <algorithm>

#include "base/check.h"
#include "net/bind.h"
#include "net/listener.h"
#include "net/tls.h"

namespace trellis::net {
namespace {

constexpr std::size_t kFilesLeft = 512;  // to other listeners, the bus, the disk

std::size_t files_max() {
  rlimit limit{};
  return ::getrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_cur : SIZE_MAX;
}

}  // namespace

std::size_t connections_that_fit(std::size_t wanted, std::size_t files_max, std::size_t cores) {
  const std::size_t room = files_max - std::min(kFilesLeft, files_max / 2);
  return std::clamp<std::size_t>(room / cores, 1, wanted);
}

// What all cores read.
struct HttpServer::Shared {
  HttpServerOptions options;
  HttpHandler& handler;
  std::shared_ptr<TlsContext> tls;
  int family = 0;
  std::vector<ListeningSocket> sockets;  // until the listeners take them
};

HttpServer::HttpServer(runtime::Cores& cores, std::unique_ptr<Shared> shared)
    : cores_(cores), shared_(std::move(shared)), listeners_(cores.size()) {}

HttpServer::~HttpServer() { CHECK(closed_); }

runtime::Task<std::unique_ptr<HttpServer>> HttpServer::listen(runtime::Cores& cores,
                                                              HttpServerOptions options,
                                                              HttpHandler& handler) {
  CO_TRY(auto address, parse_address(options.address));
  std::unique_ptr<TlsContext> tls;
  if (options.tls) {
    CO_TRY(tls, TlsContext::load(options.tls_files));
  }
  CO_TRY(auto sockets, listen_on(address, cores.size()));
  options.connections_max =
      connections_that_fit(options.connections_max, files_max(), cores.size());
  options.address = address.text();  // with the port that was found
  if (!options.cells) options.cells = std::make_shared<runtime::PerCore<HttpCells>>(cores.size());
  auto shared = std::unique_ptr<Shared>(new Shared{std::move(options), handler, std::move(tls),
                                                   address.storage.ss_family, std::move(sockets)});
  std::unique_ptr<HttpServer> server(new HttpServer(cores, std::move(shared)));
  server->port_ = address.port();

  auto started = co_await cores.on_each([self = server.get()] { return self->start_here(); });
  if (!started) {
    (void)co_await server->close(runtime::Deadline::in({}));
    co_return fail(std::move(started).error());
  }
  co_return server;
}

runtime::Task<void> HttpServer::start_here() {
  auto& core = runtime::Core::current();
  auto& listener = listeners_[core.index()];
  listener = std::make_unique<Listener>(core, shared_->options, shared_->handler, shared_->tls);
  co_return listener->start(shared_->sockets[core.index()].release(), shared_->family);
}

runtime::Task<void> HttpServer::reload_tls() {
  CO_TRY(shared_->tls, TlsContext::load(shared_->options.tls_files));
  co_return co_await cores_.on_each([this] { return use_tls_here(); });
}

runtime::Task<void> HttpServer::use_tls_here() {
  if (auto& listener = listeners_[runtime::Core::current().index()]) listener->use(shared_->tls);
  co_return Result<void>{};
}

runtime::Task<void> HttpServer::leave() {
  co_return co_await cores_.on_each([this] { return leave_here(); });
}

runtime::Task<void> HttpServer::leave_here() {
  if (auto& listener = listeners_[runtime::Core::current().index()]) listener->leave();
  co_return Result<void>{};
}

runtime::Task<void> HttpServer::close_here(runtime::Deadline deadline) {
  auto& listener = listeners_[runtime::Core::current().index()];
  if (listener) co_return co_await listener->close(deadline);
  co_return Result<void>{};
}

runtime::Task<void> HttpServer::close(runtime::Deadline deadline) {
  if (closed_) co_return Result<void>{};
  auto result = co_await cores_.on_each([this, deadline] { return close_here(deadline); });
  closed_ = true;
  co_return result;
}

}  // namespace trellis::net
