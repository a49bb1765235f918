#include "registry/http_client.h"

#include <curl/curl.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <condition_variable>
#include <mutex>
#include <optional>

#include "artifact/foreign_text.h"
#include "base/limits.h"

namespace trellis::registry {
namespace {

constexpr std::size_t kHeaderBytesMax = 64_KiB;
constexpr long kStallBytesPerSecond = 1'024;
// libcurl measures in its own way and may be that much early at the deadline it was given.
constexpr auto kCurlClockSlack = std::chrono::milliseconds(20);

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r\n";
  const auto first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

bool names(std::string_view header, std::string_view name) {
  return header.size() > name.size() && header[name.size()] == ':' &&
         std::equal(name.begin(), name.end(), header.begin(), [](char a, char b) {
           return a == (b >= 'A' && b <= 'Z' ? static_cast<char>(b - 'A' + 'a') : b);
         });
}

void read_header(std::string_view line, HttpResponse& response) {
  if (line.starts_with("HTTP/")) response = HttpResponse{};  // after 100 Continue, or a proxy's own
  const auto value = [&] { return std::string(trimmed(line.substr(line.find(':') + 1))); };
  if (names(line, "content-type")) response.content_type = value();
  if (names(line, "location")) response.location = value();
  if (names(line, "docker-content-digest")) response.digest = value();
  if (names(line, "retry-after")) response.retry_after = value();
  if (names(line, "www-authenticate") && response.challenges.size() < 8)
    response.challenges.push_back(value());
}

struct ListFree {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};

}  // namespace

struct HttpClient::Handle {
  CURL* curl = curl_easy_init();
  Handle() = default;
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
  ~Handle() { curl_easy_cleanup(curl); }
};

// What libcurl's callbacks see of one exchange.
struct HttpClient::Exchange {
  const HttpRequest& request;
  const Receiver& receiver;
  const Options& options;
  CURL* curl;
  HttpResponse response = {};
  std::optional<Error> receiver_error = {};
  std::size_t header_bytes = 0;
  std::array<char, CURL_ERROR_SIZE> message = {};
  std::unique_ptr<curl_slist, ListFree> headers = {};

  long status() const {
    long status = 0;
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    return status;
  }

  static std::size_t on_header(char* data, std::size_t, std::size_t size, void* self) {
    auto& me = *static_cast<Exchange*>(self);
    me.header_bytes += size;
    if (me.header_bytes > kHeaderBytesMax) return 0;
    read_header({data, size}, me.response);
    return size;
  }

  static std::size_t on_body(char* data, std::size_t, std::size_t size, void* self) {
    auto& me = *static_cast<Exchange*>(self);
    const auto piece = as_bytes({data, size});
    const long status = me.status();
    if (me.receiver && status >= 200 && status < 300 && !me.response.is_page()) {
      if (auto taken = me.receiver(piece); !taken) {
        me.receiver_error = std::move(taken).error();
        return CURL_WRITEFUNC_ERROR;
      }
      return size;
    }
    auto& body = me.response.body;
    append(body, piece.first(std::min(size, limits::kRegistryTextBytesMax - body.size())));
    return size;  // the rest of it is not kept, and bounded by the deadline
  }

  static int on_progress(void* self, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
    return static_cast<Exchange*>(self)->options.stop.stop_requested() ? 1 : 0;
  }
};

HttpClient::HttpClient(Options options)
    : options_(std::move(options)), handle_(std::make_unique<Handle>()) {}
HttpClient::~HttpClient() = default;

void HttpClient::configure(Exchange& exchange) {
  CURL* curl = exchange.curl;
  const auto& request = exchange.request;
  const auto set = [curl](CURLoption option, auto value) { curl_easy_setopt(curl, option, value); };
  curl_easy_reset(curl);  // keeps the connections
  set(CURLOPT_URL, request.url.text().c_str());
  set(CURLOPT_PROTOCOLS_STR, "http,https");
  set(CURLOPT_FOLLOWLOCATION, 0L);
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_USERAGENT, "trellis/" TRELLIS_VERSION);
  if (is_loopback(request.url.host)) set(CURLOPT_NOPROXY, "*");
  if (!options_.ca_file.empty()) set(CURLOPT_CAINFO, options_.ca_file.c_str());

  using Milliseconds = std::chrono::milliseconds;
  const auto left = std::chrono::ceil<Milliseconds>(options_.deadline.remaining());
  const auto connect = std::min<Milliseconds>(limits::kRegistryConnectTimeout, left);
  set(CURLOPT_TIMEOUT_MS, std::max<long>(left.count(), 1));
  set(CURLOPT_CONNECTTIMEOUT_MS, std::max<long>(connect.count(), 1));
  set(CURLOPT_LOW_SPEED_LIMIT, kStallBytesPerSecond);
  // A registry that was sent something may be quiet while it puts it away.
  const auto stall =
      request.body.empty() ? limits::kRegistryStallTimeout : limits::kRegistryCommitTimeout;
  set(CURLOPT_LOW_SPEED_TIME, static_cast<long>(stall.count()));

  for (const auto& header : request.headers)
    exchange.headers.reset(curl_slist_append(exchange.headers.release(), header.c_str()));
  const std::string_view method = request.method;
  if (method == "HEAD") {
    set(CURLOPT_NOBODY, 1L);
  } else if (method != "GET") {
    // A request that waits to be told to go on costs a second where nobody tells.
    exchange.headers.reset(curl_slist_append(exchange.headers.release(), "Expect:"));
    set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
    set(CURLOPT_POSTFIELDS,
        request.body.empty() ? "" : reinterpret_cast<const char*>(request.body.data()));
    set(CURLOPT_CUSTOMREQUEST, request.method);
  }
  set(CURLOPT_HTTPHEADER, exchange.headers.get());
  set(CURLOPT_ERRORBUFFER, exchange.message.data());
  set(CURLOPT_HEADERFUNCTION, &Exchange::on_header);
  set(CURLOPT_HEADERDATA, static_cast<void*>(&exchange));
  set(CURLOPT_WRITEFUNCTION, &Exchange::on_body);
  set(CURLOPT_WRITEDATA, static_cast<void*>(&exchange));
  set(CURLOPT_NOPROGRESS, 0L);
  set(CURLOPT_XFERINFOFUNCTION, &Exchange::on_progress);
  set(CURLOPT_XFERINFODATA, static_cast<void*>(&exchange));
}

Result<HttpResponse> HttpClient::exchange(const HttpRequest& request, const Receiver& receiver) {
  if (handle_->curl == nullptr)
    return fail(Errc::internal, "registry.http", "libcurl cannot start");
  if (options_.deadline.expired()) {
    return fail(Errc::timeout, "registry.http",
                fmt::format("there was no time left to ask {}", request.url.origin()));
  }
  Exchange exchange{request, receiver, options_, handle_->curl};
  configure(exchange);
  const auto code = curl_easy_perform(handle_->curl);
  if (exchange.receiver_error) return fail(std::move(*exchange.receiver_error));
  if (code != CURLE_OK) return fail(error_of(code, exchange));
  exchange.response.status = exchange.status();
  return std::move(exchange.response);
}

Error HttpClient::error_of(int code, const Exchange& exchange) const {
  const auto from = exchange.request.url.origin();
  const auto why = exchange.message[0] != '\0'
                       ? artifact::shown(exchange.message.data())
                       : std::string(curl_easy_strerror(static_cast<CURLcode>(code)));
  const auto error = [&](Errc errc, std::string detail) {
    return Error{errc, "registry.http", std::move(detail)};
  };
  curl_off_t connected_after_us = 0;
  curl_easy_getinfo(exchange.curl, CURLINFO_CONNECT_TIME_T, &connected_after_us);
  switch (code) {
    case CURLE_ABORTED_BY_CALLBACK:
      return error(Errc::cancelled, fmt::format("asking {} was given up: this host stops", from));
    case CURLE_OPERATION_TIMEDOUT:
      if (connected_after_us == 0) {
        return error(Errc::timeout, fmt::format("{} cannot be reached: nobody answers", from));
      }
      if (options_.deadline.remaining() < kCurlClockSlack) {
        return error(Errc::timeout,
                     fmt::format("{} is too slow: the time is over ({})", from, why));
      }
      return error(Errc::unavailable,
                   fmt::format("{} is too slow: less than {} bytes a second came for {} s", from,
                               kStallBytesPerSecond, limits::kRegistryStallTimeout.count()));
    case CURLE_PEER_FAILED_VERIFICATION:
      return error(
          Errc::unauthenticated,
          fmt::format("the certificate of {} is not trusted: {}. If its authority is your "
                      "own, name its file as ca_file of this registry (TRELLIS_REGISTRIES)",
                      from, why));
    case CURLE_SSL_CACERT_BADFILE:
      return error(Errc::invalid, fmt::format("the ca_file of {} cannot be used: {}", from, why));
    case CURLE_SSL_CONNECT_ERROR:
      return error(
          Errc::invalid,
          fmt::format("{} does not speak TLS as expected: {}. If it speaks plain HTTP, put "
                      "it in WASMCLOUD_OCI_ALLOWED_INSECURE",
                      from, why));
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT:
      return error(Errc::unavailable, fmt::format("{} cannot be reached: {}", from, why));
    case CURLE_WRITE_ERROR:
      return error(Errc::invalid, fmt::format("{} sent more headers than are read", from));
    default:
      return error(Errc::unavailable, fmt::format("the connection to {} failed: {}", from, why));
  }
}

bool HttpClient::pause(std::chrono::milliseconds time) const {
  std::mutex mutex;
  std::condition_variable_any stopped;
  std::unique_lock lock(mutex);
  const auto until =
      std::chrono::steady_clock::now() +
      std::min<std::chrono::steady_clock::duration>(time, options_.deadline.remaining());
  stopped.wait_until(lock, options_.stop, until, [] { return false; });
  return !options_.stop.stop_requested();
}

}  // namespace trellis::registry
