// Speaks with one API server: requests with the link's credentials, answers as JSON, and what goes
// wrong in words that say how to mend it. One per link; lives on core 0; parses what is large, and
// reads token files, on a thread.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

#include <boost/json/object.hpp>

#include "kubernetes/access.h"
#include "net/http_client.h"
#include "runtime/admission.h"
#include "runtime/offload.h"

namespace trellis::kubernetes {

struct ApiCall {
  std::string method = "GET";
  std::string path;  // from '/', escaped
  std::string body{};
  std::string content_type = "application/json";
};

// %-escaped for a path or a query.
std::string escaped(std::string_view text);

class ApiClient {
 public:
  ApiClient(runtime::Core& core, runtime::Offload& offload, Access access);

  // The object that a 2xx answer holds. Errors: not_found (404), denied (403), unauthenticated
  // (401), exhausted (429), invalid (4xx else), unavailable (5xx, no connection), timeout; the
  // detail is the server's own message, with a sentence on what to do where that is known.
  runtime::Task<boost::json::object> call(ApiCall call, runtime::Deadline deadline);

  const Access& access() const { return access_; }
  void close() { http_.close(); }

 private:
  runtime::Task<net::OutboundAnswer> send(ApiCall call, runtime::Deadline deadline);
  runtime::Task<std::string> token(bool anew);
  runtime::Task<boost::json::object> parsed(net::OutboundAnswer answer);
  Error unreachable(const Error& why) const;
  Error refused(std::uint16_t status, const boost::json::object& answer) const;
  std::string about_credentials() const;

  runtime::Offload& offload_;
  const Access access_;
  net::HttpClient http_;
  runtime::Admission places_;
  std::string token_;  // as last read from the file
  std::chrono::steady_clock::time_point token_read_{};
};

}  // namespace trellis::kubernetes
