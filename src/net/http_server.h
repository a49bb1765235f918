// The HTTP/1.1 server: keep-alive, pipelining, chunked bodies, Expect, TLS, limits, on every core
// at once through SO_REUSEPORT. Parsed with Boost.Beast; written lean (one send per answer,
// timeouts by one sweep per core). Used by providers/httpserver and console.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "base/http_cells.h"
#include "base/limits.h"
#include "net/http.h"
#include "runtime/core.h"
#include "runtime/per_core.h"

namespace trellis::net {

struct TlsFiles {
  std::string certificate_path, private_key_path;  // PEM
};

struct HttpServerOptions {
  std::string address{};  // "ip:port", "[ip6]:port"; port 0 takes a free one
  bool tls = false;
  TlsFiles tls_files{};
  std::size_t header_bytes_max = limits::kHttpHeaderBytesMax;
  std::size_t body_bytes_max = limits::kHttpBodyBytesMax;
  std::chrono::milliseconds header_timeout = limits::kHttpHeaderTimeout;
  // For a whole body, plus a second for each 16 KiB that came: slow networks pass, idlers do not.
  // Nor does the next piece ever get more than this.
  std::chrono::milliseconds body_timeout = limits::kHttpBodyTimeout;
  std::chrono::milliseconds idle_timeout = limits::kHttpIdleTimeout;
  std::chrono::milliseconds write_timeout = limits::kHttpBodyTimeout;  // without any progress
  // Per core. Less where the process may not open so many files; some are left to everything else.
  std::size_t connections_max = limits::kHttpConnectionsMax;
  std::string server_name = "trellis";
  std::shared_ptr<runtime::PerCore<HttpCells>> cells{};  // counts what comes; null: nobody looks
};

// Of connections that a listener has on each of `cores`, in a process that may open files_max
// files.
std::size_t connections_that_fit(std::size_t wanted, std::size_t files_max, std::size_t cores);

class Listener;

// One listening address, on all cores. The handler must outlive it.
class HttpServer {
 public:
  // On core 0. Binds on every core or fails with the address and the reason in words
  // ("cannot listen on 0.0.0.0:8080: address already in use"). The port is free again when close()
  // returns.
  static runtime::Task<std::unique_ptr<HttpServer>> listen(runtime::Cores& cores,
                                                           HttpServerOptions options,
                                                           HttpHandler& handler);
  ~HttpServer();  // close() must have been awaited
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  std::uint16_t port() const { return port_; }

  // On core 0. Reads the TLS files anew, for connections from now on; those there are go on as they
  // are. When it fails nothing has changed.
  runtime::Task<void> reload_tls();

  // On core 0. Serves on, but each answer from now on says `Connection: close` and ends its
  // connection: who comes again comes with a new one, which may go elsewhere. Connections that are
  // idle stay open, for their next request may be on its way. close() should follow when nobody is
  // sent here any more; it then leaves a moment to requests that are on their way.
  runtime::Task<void> leave();

  // On core 0. Stops accepting at once and frees the port, answers requests in flight (until
  // `deadline`, then their handlers are told to end), closes. Waits for every handler to have
  // ended.
  runtime::Task<void> close(runtime::Deadline deadline);

 private:
  struct Shared;
  HttpServer(runtime::Cores& cores, std::unique_ptr<Shared> shared);
  runtime::Task<void> start_here();
  runtime::Task<void> use_tls_here();
  runtime::Task<void> leave_here();
  runtime::Task<void> close_here(runtime::Deadline deadline);

  runtime::Cores& cores_;
  std::unique_ptr<Shared> shared_;
  std::vector<std::unique_ptr<Listener>> listeners_;  // by core
  std::uint16_t port_ = 0;
  bool closed_ = false;
};

}  // namespace trellis::net
