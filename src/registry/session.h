// A conversation with one registry about one repository (the OCI distribution specification):
// requests that say who asks when the registry wants to know, are tried again when that may help,
// and follow redirects without taking credentials along. Blocking; for one thread.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/limits.h"
#include "base/result.h"
#include "registry/credential.h"
#include "registry/http_client.h"
#include "registry/settings.h"

namespace trellis::registry {

class Session {
 public:
  enum class Access { pull, push };
  struct Options {
    Access access = Access::pull;
    runtime::Deadline deadline;
    std::stop_token stop = {};
    int tries = limits::kRegistryTries;
  };
  struct Request {
    const char* method = "GET";
    std::string path;  // "manifests/1.0", seen from the repository, or an URL the registry gave
    std::vector<std::string> headers = {};
    BytesView body = {};
    // Called before each try; what it gives takes the body of a 2xx answer.
    std::function<Receiver()> receiver = nullptr;
    bool repeatable = true;  // false: a try that broke off must not be repeated as it is
  };

  Session(Endpoint endpoint, Credential credential, Options options);

  // Any answer that is not worth another try, whatever its status.
  Result<HttpResponse> ask(const Request& request);
  // An answer that is not 2xx, as an error: what the registry said and what may be done.
  // `wanted`: "echo:0.3.4".
  Error refusal(const HttpResponse& response, const std::string& wanted) const;
  // Does somebody who speaks the specification answer, and let us in?
  Result<void> ping();

  const Endpoint& endpoint() const { return endpoint_; }
  // What a request's path means; after the first was asked.
  Result<Url> url_of(const std::string& path) const;

 private:
  Result<void> decide_scheme();
  Result<HttpResponse> try_once(const Request& request);
  Result<HttpResponse> send(const Request& request, const Url& url);
  Result<HttpResponse> follow(const Request& request, Url url, HttpResponse response);
  Result<std::string> authorization_for(const HttpResponse& response);
  Error unauthenticated() const;

  const Endpoint endpoint_;
  const Credential credential_;
  const Options options_;
  HttpClient http_;
  std::optional<Url> base_;    // …/v2/; decided by the first request
  std::string authorization_;  // the header, "" before it is asked for
};

}  // namespace trellis::registry
