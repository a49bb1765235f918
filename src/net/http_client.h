// HTTP requests that we make: one per call, over connections that are kept. libcurl does the
// protocol (1.1, 2, TLS, proxies) on this core's loop, without threads but for name look-ups. Used
// by providers/httpclient. Redirects are told and not followed: who asks decides.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/ip/address.hpp>

#include "base/bytes.h"
#include "base/limits.h"
#include "runtime/core.h"

namespace trellis::net {

// What TLS is told beyond the URL; PEM as text, so that nothing needs to lie in a file.
struct TlsClient {
  std::string ca{};                  // instead of the machine's own CAs; "": those
  std::string certificate{}, key{};  // who we are; both or neither
  std::string server_name{};         // whom the certificate must be for; "": the URL's host
  bool verify = true;
};

struct OutboundRequest {
  struct Header {
    std::string name, value;
  };
  std::string method = "GET";
  std::string url;  // http or https
  std::vector<Header> headers{};
  BytesView body{};  // lives until the task ends

  std::size_t answer_bytes_max = limits::kHttpAnswerBytesMax;
  std::string ca_file{};  // PEM; instead of the machine's own CAs
  TlsClient tls{};
  std::string proxy{};  // URL of one; "": none, whatever the environment says
  // Whether an address may be talked to: asked for each address before a connection to it is
  // opened, and again before the request goes out on a connection that was kept. Not asked with a
  // proxy.
  std::function<Result<void>(const boost::asio::ip::address&)> allowed{};
};

struct OutboundAnswer {
  std::uint16_t status = 0;
  std::vector<OutboundRequest::Header> headers;  // as they came
  Bytes body;
  std::string location;  // where a redirect leads, as a whole URL; "" if it is none
};

// Belongs to one core; kept alive by its requests.
class HttpClient {
 public:
  explicit HttpClient(runtime::Core& core);
  ~HttpClient();

  // Any status is an answer. Errors: invalid (URL, method, header), unavailable (with curl's
  // words), what `allowed` said, timeout, exhausted (the answer is too large; too many requests),
  // cancelled.
  runtime::Task<OutboundAnswer> send(OutboundRequest request, runtime::Deadline deadline);

  void close();  // requests in flight fail; idempotent

 private:
  class Multi;
  std::shared_ptr<Multi> multi_;
};

// Whether something can be a header's name or value, or a method: nothing that ends a line.
bool is_header_name(std::string_view name);
bool is_header_value(std::string_view value);

// The parts of a URL as the client will understand it. Errors say why it is none.
struct UrlParts {
  std::string scheme, host;  // lower case; an IPv6 address without brackets
  std::uint16_t port = 0;    // the scheme's, if none is given
};
Result<UrlParts> parse_http_url(const std::string& url);

}  // namespace trellis::net
