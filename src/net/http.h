// HTTP/1.1 messages as handlers see them. Views in a request point into the connection's buffer and
// live until the handler's task ends.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <boost/container/small_vector.hpp>

#include "base/bytes.h"
#include "runtime/task.h"

namespace trellis::net {

struct HttpHeader {
  std::string_view name, value;  // name as received; compare without case
};

struct HttpRequest {
  std::string_view method;  // as received
  std::string_view target;  // path?query
  std::string_view path;    // as received, not decoded
  std::string_view query;   // without '?', may be empty
  boost::container::small_vector<HttpHeader, 16> headers;
  BytesView body;           // whole, de-chunked
  std::string_view remote;  // ip:port of the peer
  bool tls = false;

  std::string_view header(std::string_view name) const;  // first, or ""
};

// What a handler answers. `headers` and `body` may point into `storage` or to what outlives the
// write.
struct HttpResponse {
  std::uint16_t status = 200;
  boost::container::small_vector<HttpHeader, 8>
      headers;  // without content-length, date, connection
  BytesView body;
  Bytes storage;

  static HttpResponse text(std::uint16_t status, std::string_view body,
                           std::string_view content_type = "text/plain; charset=utf-8");
};

class HttpHandler {
 public:
  virtual ~HttpHandler() = default;
  // Called on the connection's core. An Error becomes a 500 with an empty body and a log line.
  virtual runtime::Task<HttpResponse> handle(const HttpRequest& request) = 0;
};

}  // namespace trellis::net
