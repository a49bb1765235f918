// The host's own HTTP address (port 4000): probes, the API, and a page that shows what runs. Lives
// on a core of its own, apart from those that serve, so that probes are answered whatever those do;
// what it reads of the host it asks of core 0, with a deadline. Created by main() after the host;
// answers "not ready" while the host stops, and is closed last. API: docs/api.md.
//
// Where the address is not this machine's alone, callers from elsewhere have the probes and
// /metrics; page and API, which start and show things, are for callers on this machine
// (`kubectl port-forward` is one), unless TRELLIS_API_REMOTE says otherwise.
#pragma once

#include <memory>
#include <string>

#include "host/host.h"
#include "net/http_server.h"

namespace trellis::console {

class Console final : public net::HttpHandler {
 public:
  // On core 0 of `own`. `serving` are those of the host.
  static runtime::Task<std::unique_ptr<Console>> start(runtime::Cores& own, runtime::Cores& serving,
                                                       host::Host& host);
  ~Console() override;

  runtime::Task<net::HttpResponse> handle(const net::HttpRequest& request) override;
  runtime::Task<void> close(runtime::Deadline deadline);
  std::uint16_t port() const { return server_->port(); }

 private:
  Console(runtime::Cores& serving, host::Host& host) : serving_(serving), host_(host) {}

  runtime::Task<net::HttpResponse> ready();
  runtime::Task<net::HttpResponse> read(std::string path);  // on core 0 of the host
  runtime::Task<net::HttpResponse> start_actor(const net::HttpRequest& request);
  bool known_name(const net::HttpRequest& request) const;
  bool may_use_api(const net::HttpRequest& request) const;

  runtime::Cores& serving_;
  host::Host& host_;
  std::unique_ptr<net::HttpServer> server_;
};

}  // namespace trellis::console
