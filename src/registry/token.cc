#include "registry/token.h"

#include <fmt/format.h>

#include "artifact/foreign_text.h"
#include "codec/base64.h"
#include "codec/json.h"

namespace trellis::registry {
namespace {

constexpr std::string_view kClient = "trellis";

// Several scopes stand with blanks between them and are asked for one by one.
std::string query_of(const TokenRequest& request) {
  std::string query;
  const auto add = [&](std::string_view name, std::string_view value) {
    query += fmt::format("{}{}={}", query.empty() ? "" : "&", name, percent_encoded(value));
  };
  if (const auto service = request.challenge.parameter("service"); !service.empty()) {
    add("service", service);
  }
  auto scopes = request.challenge.parameter("scope");
  if (scopes.empty()) scopes = request.scope;
  for (std::size_t from = 0; from < scopes.size();) {
    const auto to = std::min(scopes.find(' ', from), scopes.size());
    if (to > from) add("scope", scopes.substr(from, to - from));
    from = to + 1;
  }
  return query;
}

Result<std::string> token_in(const HttpResponse& response, const std::string& from) {
  const auto value = codec::json_parse(as_text(response.body));
  if (value && value->is_object()) {
    for (const char* name : {"token", "access_token"}) {
      const auto token = codec::json_string(value->get_object(), name);
      // It becomes a header: what would end one is not part of a token.
      if (token && *token && !(*token)->empty() &&
          (*token)->find_first_of("\r\n") == std::string::npos) {
        return **token;
      }
    }
  }
  return fail(Errc::invalid, "registry.token",
              fmt::format("the token server {} answered without a token", from));
}

HttpRequest request_for(const Url& realm, const std::string& query, const Credential& credential,
                        const std::string& form) {
  HttpRequest request{.method = "GET", .url = realm};
  if (!form.empty()) {
    request.method = "POST";
    request.headers.emplace_back("Content-Type: application/x-www-form-urlencoded");
    request.body = as_bytes(form);
    return request;
  }
  if (!query.empty()) {
    request.url.rest += (realm.rest.find('?') == std::string::npos ? "?" : "&") + query;
  }
  if (!credential.empty()) {
    request.headers.push_back("Authorization: " + basic_authorization(credential));
  }
  return request;
}

}  // namespace

std::string basic_authorization(const Credential& credential) {
  return "Basic " + codec::base64_encode(as_bytes(credential.user + ":" + credential.password),
                                         codec::Base64::standard);
}

Result<std::string> fetch_token(HttpClient& http, const TokenRequest& request,
                                const Credential& credential) {
  TRY(const auto realm, parse_url(request.challenge.parameter("realm")));
  if (realm.scheme != "https" && !request.plain_http) {
    return fail(
        Errc::invalid, "registry.token",
        fmt::format("the registry wants a password sent to {}, without TLS; that is not done",
                    realm.origin()));
  }
  const auto query = query_of(request);
  const auto form = credential.identity_token.empty()
                        ? std::string()
                        : fmt::format("grant_type=refresh_token&client_id={}&refresh_token={}&{}",
                                      kClient, percent_encoded(credential.identity_token), query);
  TRY(const auto response, http.exchange(request_for(realm, query, credential, form)));
  if (response.ok()) return token_in(response, realm.origin());
  if (response.status == 401 || response.status == 403 || response.status == 400) {
    if (credential.empty()) {
      return fail(Errc::unauthenticated, "registry.token",
                  fmt::format("the token server {} wants to know who asks", realm.origin()));
    }
    return fail(Errc::denied, "registry.token",
                fmt::format("the token server {} refused the credential from {}", realm.origin(),
                            credential.source));
  }
  return fail(response.status >= 500 || response.status == 429 ? Errc::unavailable : Errc::invalid,
              "registry.token",
              fmt::format("the token server {} answered {}", realm.origin(), response.status));
}

}  // namespace trellis::registry
