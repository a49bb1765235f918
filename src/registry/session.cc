#include "registry/session.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <random>
#include <string_view>

#include "artifact/foreign_text.h"
#include "base/log.h"
#include "codec/json.h"
#include "registry/challenge.h"
#include "registry/token.h"

namespace trellis::registry {
namespace {

using namespace std::chrono_literals;
using Milliseconds = std::chrono::milliseconds;

constexpr auto kBackOff = 200ms;  // doubled with every try
constexpr auto kSchemeProbe = 2s;

tl::unexpected<Error> refuse(Errc code, std::string why) {
  return fail(code, "registry.session", std::move(why));
}

bool is_redirect(const HttpResponse& response) {
  constexpr long kRedirects[] = {301, 302, 303, 307, 308};
  return std::find(std::begin(kRedirects), std::end(kRedirects), response.status) !=
         std::end(kRedirects);
}

bool may_pass(long status) {
  return status == 408 || status == 429 || status == 500 || (status >= 502 && status <= 504);
}

// {"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]}: the first, as text.
std::string said(const HttpResponse& response) {
  if (response.is_page()) return " and a web page: is it a registry?";
  const auto value = codec::json_parse(as_text(response.body));
  const auto* object = value ? value->if_object() : nullptr;
  const auto* errors = object != nullptr ? object->if_contains("errors") : nullptr;
  if (errors == nullptr || !errors->is_array() || errors->get_array().empty()) return {};
  const auto* first = errors->get_array().front().if_object();
  if (first == nullptr) return {};
  auto message = codec::json_string(*first, "message");
  if (!message || !*message || (*message)->empty()) message = codec::json_string(*first, "code");
  if (!message || !*message || (*message)->empty()) return {};
  return fmt::format(": {}", artifact::shown(**message));
}

Milliseconds back_off(int tried, std::minstd_rand& random) {
  const auto longest = kBackOff * (1 << std::min(tried - 1, 10));
  return longest / 2 + Milliseconds(random() % static_cast<unsigned>(longest.count() / 2 + 1));
}

// Seconds; dates are not read.
std::optional<Milliseconds> retry_after(const HttpResponse& response) {
  unsigned seconds = 0;
  const auto& text = response.retry_after;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return std::chrono::seconds(seconds);
}

const Challenge* find(const std::vector<Challenge>& all, std::string_view scheme) {
  const auto found =
      std::find_if(all.begin(), all.end(), [&](const Challenge& c) { return c.scheme == scheme; });
  return found == all.end() ? nullptr : &*found;
}

}  // namespace

Session::Session(Endpoint endpoint, Credential credential, Options options)
    : endpoint_(std::move(endpoint)),
      credential_(std::move(credential)),
      options_(std::move(options)),
      http_({.ca_file = endpoint_.ca_file, .deadline = options_.deadline, .stop = options_.stop}) {}

// --- where to ---

Result<void> Session::decide_scheme() {
  if (base_) return {};
  TRY(auto tls, parse_url(fmt::format("https://{}/v2/", endpoint_.host)));
  TRY(auto plain, parse_url(fmt::format("http://{}/v2/", endpoint_.host)));
  if (endpoint_.transport == Endpoint::Transport::loopback) {
    HttpClient probe({.deadline = options_.deadline.earlier_of(runtime::Deadline::in(kSchemeProbe)),
                      .stop = options_.stop});
    const auto response = probe.exchange({.url = plain});
    // Who speaks TLS answers plain HTTP with 400, with a redirect or not at all.
    base_ = response && response->status != 400 && !is_redirect(*response) ? plain : tls;
  } else {
    base_ = endpoint_.transport == Endpoint::Transport::plain ? plain : tls;
  }
  return {};
}

Result<Url> Session::url_of(const std::string& path) const {
  if (path.starts_with("http://") || path.starts_with("https://")) return parse_url(path);
  auto url = *base_;
  if (!endpoint_.repository.empty()) url.rest += endpoint_.repository + "/";
  url.rest += path;
  return url;
}

// --- asking ---

Result<HttpResponse> Session::ask(const Request& request) {
  TRY_OK(decide_scheme());
  std::minstd_rand random(std::random_device{}());
  for (int tried = 1;; ++tried) {
    auto response = try_once(request);
    if (response && !may_pass(response->status)) return response;
    if (!response && response.error().code != Errc::unavailable) return response;
    auto why =
        response ? fmt::format("{} answers {}{}", endpoint_.name, response->status, said(*response))
                 : response.error().detail;
    const auto wait =
        (response ? retry_after(*response) : std::nullopt).value_or(back_off(tried, random));
    if (!request.repeatable || tried >= options_.tries || wait >= options_.deadline.remaining()) {
      return refuse(Errc::unavailable,
                    tried > 1 ? fmt::format("{} (tried {} times)", why, tried) : std::move(why));
    }
    LOG(debug, "{}; asking again in {} ms", why, wait.count());
    if (!http_.pause(wait)) return refuse(Errc::cancelled, "this host stops");
  }
}

Result<HttpResponse> Session::try_once(const Request& request) {
  TRY(const auto url, url_of(request.path));
  TRY(auto response, send(request, url));
  // Another host (an upload may go to one) is not told who asks, however it wants to know.
  if (response.status == 401 && url.same_origin(*base_)) {
    TRY(authorization_, authorization_for(response));
    TRY(response, send(request, url));
    if (response.status == 401) return fail(unauthenticated());
  }
  TRY(response, follow(request, url, std::move(response)));
  if (response.ok() && response.is_page()) {
    return refuse(Errc::invalid,
                  fmt::format("{} answered with a web page. Is it a registry, or does a proxy or a "
                              "login page stand before it?",
                              endpoint_.name));
  }
  return response;
}

Result<HttpResponse> Session::send(const Request& request, const Url& url) {
  HttpRequest out{
      .method = request.method, .url = url, .headers = request.headers, .body = request.body};
  // Who asks is told to the registry alone, wherever it sends us.
  if (!authorization_.empty() && url.same_origin(*base_)) {
    out.headers.push_back("Authorization: " + authorization_);
  }
  return http_.exchange(out, request.receiver ? request.receiver() : nullptr);
}

Result<HttpResponse> Session::follow(const Request& request, Url url, HttpResponse response) {
  for (int n = 0; is_redirect(response); ++n) {
    if (n == limits::kRegistryRedirectsMax) {
      return refuse(Errc::invalid,
                    fmt::format("{} redirects more than {} times", endpoint_.name, n));
    }
    TRY(const auto target, resolve(url, response.location));
    const std::string_view method = request.method;
    if (method != "GET" && method != "HEAD") {
      return refuse(Errc::invalid,
                    fmt::format("{} wants what is pushed to go to {}; name that registry",
                                endpoint_.name, target.origin()));
    }
    if (url.scheme == "https" && target.scheme != "https") {
      return refuse(Errc::invalid,
                    fmt::format("{} redirects to {}, without TLS; that is not followed",
                                endpoint_.name, target.origin()));
    }
    url = target;
    TRY(response, send(request, url));
  }
  return response;
}

// --- who asks ---

Result<std::string> Session::authorization_for(const HttpResponse& response) {
  std::vector<Challenge> challenges;
  for (const auto& header : response.challenges) {
    for (auto& challenge : parse_challenges(header)) challenges.push_back(std::move(challenge));
  }
  if (const auto* bearer = find(challenges, "bearer")) {
    if (!credential_.bearer_token.empty()) return "Bearer " + credential_.bearer_token;
    TokenRequest request{*bearer, {}, base_->scheme == "http"};
    if (!endpoint_.repository.empty()) {
      request.scope = fmt::format("repository:{}:{}", endpoint_.repository,
                                  options_.access == Access::pull ? "pull" : "pull,push");
    }
    auto token = fetch_token(http_, request, credential_);
    if (token) return "Bearer " + *token;
    if (token.error().code != Errc::unauthenticated) return fail(std::move(token).error());
    return fail(unauthenticated());
  }
  if (find(challenges, "basic") == nullptr) {
    return refuse(
        Errc::unauthenticated,
        fmt::format("{} wants to know who asks, but not in a way that is known here (Bearer "
                    "or Basic)",
                    endpoint_.name));
  }
  if (credential_.user.empty() || credential_.password.empty()) return fail(unauthenticated());
  return basic_authorization(credential_);
}

Error Session::unauthenticated() const {
  if (!credential_.empty()) {
    return {Errc::denied, "registry.credential",
            fmt::format("{} refused the credential from {}", endpoint_.name, credential_.source)};
  }
  return {
      Errc::unauthenticated, "registry.credential",
      fmt::format("{} wants to know who asks. Log in with `docker login {}`, or set OCI_REGISTRY, "
                  "OCI_REGISTRY_USER and OCI_REGISTRY_PASSWORD{}{}",
                  endpoint_.name, endpoint_.name, credential_.source.empty() ? "" : "; ",
                  credential_.source)};
}

// --- what the answer means ---

Error Session::refusal(const HttpResponse& response, const std::string& wanted) const {
  const auto error = [](Errc code, std::string detail) {
    return Error{code, "registry.answer", std::move(detail)};
  };
  if (response.status == 404 && !response.is_page()) {
    return error(Errc::not_found,
                 fmt::format("{} has no {}{}", endpoint_.name, wanted, said(response)));
  }
  if (response.status == 403) {
    return error(Errc::denied, fmt::format("{} does not allow {}{}{}", endpoint_.name, wanted,
                                           credential_.source.empty()
                                               ? std::string()
                                               : " to the credential from " + credential_.source,
                                           said(response)));
  }
  return error(Errc::invalid, fmt::format("{} answered {} when asked for {}{}", endpoint_.name,
                                          response.status, wanted, said(response)));
}

Result<void> Session::ping() {
  TRY_OK(decide_scheme());
  TRY(const auto response, ask({.path = base_->text()}));
  if (!response.ok()) return fail(refusal(response, "its API (/v2/)"));
  return {};
}

}  // namespace trellis::registry
