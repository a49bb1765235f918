#include "kubernetes/api_client.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/limits.h"
#include "base/sentences.h"
#include "codec/cloud_event.h"
#include "codec/json.h"
#include "kubernetes/api_json.h"

namespace trellis::kubernetes {
namespace {

namespace json = boost::json;
using namespace std::chrono_literals;

constexpr const char* kSite = "kubernetes.api";
constexpr auto kTokenAge = 60s;                   // a pod's token is changed under it
constexpr std::size_t kParsedHereMax = 64 << 10;  // bytes; more is parsed on a thread
constexpr std::string_view kChartValue = "wasmcloud.enableApplierSupport=true";

Result<json::object> parse_object(BytesView body) {
  if (body.empty()) return json::object();
  TRY(auto value, parse_json(as_text(body)));
  if (!value.is_object()) return fail(Errc::invalid, kSite, "the answer is not a JSON object");
  return std::move(value.get_object());
}

Errc code_of(std::uint16_t status) {
  switch (status) {
    case 401:
      return Errc::unauthenticated;
    case 403:
      return Errc::denied;
    case 404:
      return Errc::not_found;
    case 429:
      return Errc::exhausted;
    default:
      return status >= 500 ? Errc::unavailable : Errc::invalid;
  }
}

std::string trimmed(std::string text) {
  const auto last = text.find_last_not_of(" \t\r\n");
  text.resize(last == std::string::npos ? 0 : last + 1);
  return text;
}

// curl takes such parts of a path for steps, as browsers do.
bool has_steps(std::string_view path) {
  path = path.substr(0, path.find('?'));
  while (!path.empty()) {
    const auto part = path.substr(0, path.find('/'));
    if (part == "." || part == "..") return true;
    path.remove_prefix(std::min(path.size(), part.size() + 1));
  }
  return false;
}

}  // namespace

std::string escaped(std::string_view text) {
  constexpr std::string_view kPlain = "-._~";
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       kPlain.find(c) != std::string_view::npos;
    if (plain) {
      out += c;
    } else {
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return out;
}

ApiClient::ApiClient(runtime::Core& core, runtime::Offload& offload, Access access)
    : offload_(offload),
      access_(std::move(access)),
      http_(core),
      places_(limits::kKubernetesRequestsMax, limits::kKubernetesRequestsQueuedMax) {}

runtime::Task<json::object> ApiClient::call(ApiCall call, runtime::Deadline deadline) {
  if (has_steps(call.path))
    co_return fail(Errc::invalid, kSite, "'.' and '..' name nothing in Kubernetes");
  CO_TRY(const auto place, co_await places_.enter(deadline));
  auto answer = co_await send(call, deadline);
  if (answer && answer->status == 401 && !access_.token_file.empty()) {
    CO_TRY_OK(co_await token(true));
    answer = co_await send(std::move(call), deadline);
  }
  if (!answer) co_return fail(unreachable(answer.error()));
  const auto status = answer->status;
  auto object = co_await parsed(*std::move(answer));
  if (status >= 200 && status < 300) {
    if (!object)
      co_return fail(Errc::unavailable, kSite,
                     fmt::format("{} of {} does not answer as an API server does: {}",
                                 access_.server, access_.source, object.error().detail));
    co_return object;
  }
  co_return fail(refused(status, object ? *object : json::object()));
}

runtime::Task<net::OutboundAnswer> ApiClient::send(ApiCall call, runtime::Deadline deadline) {
  CO_TRY(const auto bearer, co_await token(false));
  net::OutboundRequest request{
      .method = call.method,
      .url = access_.server + call.path,
      .headers = {{"Accept", "application/json"}, {"User-Agent", "trellis-kubernetes-applier"}},
      .body = as_bytes(call.body),
      .answer_bytes_max = limits::kKubernetesAnswerBytesMax,
      .tls = access_.tls,
      .proxy = access_.proxy};
  if (!call.body.empty()) request.headers.push_back({"Content-Type", call.content_type});
  if (!bearer.empty()) request.headers.push_back({"Authorization", "Bearer " + bearer});
  co_return co_await http_.send(std::move(request), deadline);
}

runtime::Task<std::string> ApiClient::token(bool anew) {
  if (access_.token_file.empty()) co_return access_.token;
  const auto now = std::chrono::steady_clock::now();
  if (!anew && !token_.empty() && now - token_read_ < kTokenAge) co_return token_;
  std::function<Result<std::string>()> read = [path = access_.token_file] {
    return read_file(path);
  };
  auto text = co_await offload_.run<std::string>(std::move(read));
  if (!text && !token_.empty()) co_return token_;  // the one before may do for a while
  if (!text) co_return fail(text.error());
  token_ = trimmed(*std::move(text));
  token_read_ = now;
  co_return token_;
}

runtime::Task<json::object> ApiClient::parsed(net::OutboundAnswer answer) {
  if (answer.body.size() <= kParsedHereMax) co_return parse_object(answer.body);
  std::function<Result<json::object>()> parse = [&answer] { return parse_object(answer.body); };
  co_return co_await offload_.run<json::object>(std::move(parse));
}

Error ApiClient::unreachable(const Error& why) const {
  if (why.code == Errc::cancelled || why.code == Errc::exhausted) return why;
  return {why.code, kSite,
          fmt::format("the API server {} of {} cannot be reached: {}", access_.server,
                      access_.source, why.detail)};
}

Error ApiClient::refused(std::uint16_t status, const json::object& answer) const {
  std::string message = fmt::format("HTTP status {}", status);
  if (const auto* text = answer.if_contains("message"); text != nullptr && text->is_string())
    message = text->get_string();
  if (status == 401) message = and_then(std::move(message), about_credentials());
  if (status == 403) {
    message = and_then(
        std::move(message),
        fmt::format("For services the chart's value {} permits it; for anything else bind a Role "
                    "to who is named here",
                    kChartValue));
  }
  return {code_of(status), kSite, std::move(message)};
}

std::string ApiClient::about_credentials() const {
  const auto& token = access_.token_file.empty() ? access_.token : token_;
  if (token.empty() && access_.tls.certificate.empty())
    return fmt::format("{} has no credentials for {}", access_.source, access_.server);
  const auto expiry = expiry_of(token);
  if (expiry && *expiry < std::chrono::system_clock::now())
    return fmt::format(
        "The token of {} expired at {}; get a new one (kubectl create token <name>) "
        "and put the link again",
        access_.source, codec::rfc3339(*expiry).substr(0, 19) + "Z");
  return fmt::format("{} does not accept the {} of {}; get new credentials and put the link again",
                     access_.server, token.empty() ? "client certificate" : "token",
                     access_.source);
}

}  // namespace trellis::kubernetes
