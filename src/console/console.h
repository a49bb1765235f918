// The host's own HTTP address (port 4000): probes, the API, and a page that shows what runs. Reads
// the host on core 0, answers on the core that accepted. Created by main() after the host; answers
// "not ready" while the host stops, and is closed last. API: docs/api.md.
#pragma once

#include <memory>
#include <string>

#include "host/host.h"
#include "net/http_server.h"

namespace trellis::console {

class Console final : public net::HttpHandler {
 public:
  static runtime::Task<std::unique_ptr<Console>> start(runtime::Cores& cores, host::Host& host);
  ~Console() override;

  runtime::Task<net::HttpResponse> handle(const net::HttpRequest& request) override;
  runtime::Task<void> close(runtime::Deadline deadline);
  std::uint16_t port() const { return server_->port(); }

 private:
  Console(runtime::Cores& cores, host::Host& host) : cores_(cores), host_(host) {}

  net::HttpResponse ready() const;
  runtime::Task<net::HttpResponse> read(std::string path);  // on core 0
  runtime::Task<net::HttpResponse> start_actor(const net::HttpRequest& request);
  bool known_name(const net::HttpRequest& request) const;

  runtime::Cores& cores_;
  host::Host& host_;
  std::unique_ptr<net::HttpServer> server_;
};

}  // namespace trellis::console
