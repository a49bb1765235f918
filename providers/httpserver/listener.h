// One link's listener: requests on its address become HttpServer.HandleRequest calls to its actor.
// Owned by HttpProvider (core 0); handle() runs on the core of the connection.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/log.h"
#include "capability/provider.h"
#include "httpserver/cors.h"
#include "httpserver/failure_log.h"
#include "httpserver/settings.h"
#include "net/http_server.h"

namespace trellis::httpserver {

class Listener final : public net::HttpHandler {
 public:
  static runtime::Task<std::unique_ptr<Listener>> open(runtime::Cores& cores,
                                                       capability::Actors& actors,
                                                       std::string actor_id, Settings settings,
                                                       std::chrono::milliseconds rpc_timeout);

  runtime::Task<net::HttpResponse> handle(const net::HttpRequest& request) override;
  // Serves on, and asks each connection to end: see net::HttpServer.
  runtime::Task<void> leave();
  runtime::Task<void> close(runtime::Deadline deadline);
  // The certificate may have been renewed under the same name. On failure the former one serves on.
  runtime::Task<void> reload_certificate();
  const Settings& settings() const { return settings_; }
  std::uint16_t port() const { return server_->port(); }
  const std::shared_ptr<runtime::PerCore<HttpCells>>& cells() const { return cells_; }

 private:
  Listener(std::size_t cores, capability::Actors& actors, std::string actor_id, Settings settings,
           std::chrono::milliseconds rpc_timeout);
  void log_failure(const net::HttpRequest& request, const Error& error);

  capability::Actors& actors_;
  const std::string actor_id_;
  const Settings settings_;
  const CorsPolicy cors_;
  const log::Level log_level_;  // lines below it are not written
  const std::chrono::milliseconds timeout_;
  std::vector<FailureLog> failures_;  // by core
  const std::shared_ptr<runtime::PerCore<HttpCells>> cells_;
  std::unique_ptr<net::HttpServer> server_;
};

}  // namespace trellis::httpserver
