// One HTTP exchange after another over libcurl, blocking, with connections kept between them. Asks
// exactly the URL it is given: redirects are answers, and credentials are headers of the caller.
// Every exchange ends at the deadline, when the peer stalls, or when it is told to stop. For one
// thread at a time.
#pragma once

#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "registry/url.h"
#include "runtime/deadline.h"

namespace trellis::registry {

struct HttpRequest {
  const char* method = "GET";
  Url url;
  std::vector<std::string> headers = {};  // "Name: value"
  BytesView body = {};                    // sent with PUT, POST and PATCH
};

struct HttpResponse {
  long status = 0;
  std::string content_type, location, digest, retry_after;  // headers, "" when not there
  std::vector<std::string> challenges;                      // WWW-Authenticate
  Bytes body;  // what no receiver took, cut after limits::kRegistryTextBytesMax

  bool ok() const { return status >= 200 && status < 300; }
  bool is_page() const { return content_type.starts_with("text/html"); }
};

// Gets the body of a 2xx answer that is no web page, piece by piece; an error ends the exchange and
// is its result.
using Receiver = std::function<Result<void>(BytesView)>;

class HttpClient {
 public:
  struct Options {
    std::string ca_file = {};  // trusted beside the system's authorities
    runtime::Deadline deadline;
    std::stop_token stop = {};
  };

  explicit HttpClient(Options options);
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  // Errors: unavailable when trying again may help (refused, reset, broken off, stalled), timeout
  // when the deadline is over or nobody answers the connection, unauthenticated when the
  // certificate is not trusted, cancelled when stopped.
  Result<HttpResponse> exchange(const HttpRequest& request, const Receiver& receiver = nullptr);

  const Options& options() const { return options_; }
  // Waits that long, or less when the deadline is earlier; false when told to stop.
  bool pause(std::chrono::milliseconds time) const;

 private:
  struct Handle;
  struct Exchange;
  void configure(Exchange& exchange);
  Error error_of(int code, const Exchange& exchange) const;

  const Options options_;
  std::unique_ptr<Handle> handle_;
};

}  // namespace trellis::registry
