#include "net/http_client.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>

#include "net/curl_multi.h"
#include "runtime/admission.h"

namespace trellis::net {
namespace {

namespace asio = boost::asio;

constexpr const char* kSite = "net.http_client";

struct ListFree {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};

struct UrlFree {
  void operator()(CURLU* url) const { curl_url_cleanup(url); }
};

std::string part_of(CURLU* url, CURLUPart part, unsigned flags = 0) {
  char* text = nullptr;
  std::string out;
  if (curl_url_get(url, part, &text, flags) == CURLUE_OK) out = text;
  curl_free(text);
  return out;
}

// Blanks and the like are escaped, as browsers do.
Result<std::unique_ptr<CURLU, UrlFree>> parsed(const std::string& text) {
  std::unique_ptr<CURLU, UrlFree> url(curl_url());
  const auto code = curl_url_set(url.get(), CURLUPART_URL, text.c_str(), CURLU_URLENCODE);
  if (code != CURLUE_OK)
    return fail(Errc::invalid, kSite,
                fmt::format("'{}' is not a URL: {}", text, curl_url_strerror(code)));
  const auto scheme = part_of(url.get(), CURLUPART_SCHEME);
  if (scheme != "http" && scheme != "https")
    return fail(Errc::invalid, kSite, fmt::format("'{}' is neither http nor https", text));
  return url;
}

bool is_token(std::string_view text) {
  constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           kMarks.find(c) != std::string_view::npos;
  });
}

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r\n") + 1 - first);
}

bool has_header(const OutboundRequest& request, std::string_view lower_name) {
  return std::any_of(request.headers.begin(), request.headers.end(), [&](const auto& header) {
    return std::equal(header.name.begin(), header.name.end(), lower_name.begin(), lower_name.end(),
                      [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a + 32 : a) == b; });
  });
}

Result<asio::ip::address> address_of(const sockaddr& from) {
  if (from.sa_family == AF_INET) {
    sockaddr_in in{};
    std::memcpy(&in, &from, sizeof in);
    return asio::ip::address(asio::ip::address_v4(ntohl(in.sin_addr.s_addr)));
  }
  if (from.sa_family == AF_INET6) {
    sockaddr_in6 in{};
    std::memcpy(&in, &from, sizeof in);
    asio::ip::address_v6::bytes_type bytes;
    std::memcpy(bytes.data(), &in.sin6_addr, bytes.size());
    return asio::ip::address(asio::ip::address_v6(bytes));
  }
  return fail(Errc::denied, kSite, "an address that is neither IPv4 nor IPv6");
}

// One request, from its options to its answer. curl's callbacks get a pointer to it.
class Exchange : public CurlTransfer {
 public:
  Exchange(runtime::Core& core, const OutboundRequest& request)
      : CurlTransfer(core), request_(request) {}
  ~Exchange() {  // what curl was lent goes before the handle does
    set<char*>(CURLOPT_ERRORBUFFER, nullptr);
    set<curl_slist*>(CURLOPT_HTTPHEADER, nullptr);
    set<curl_slist*>(CURLOPT_CONNECT_TO, nullptr);
    set<CURLU*>(CURLOPT_CURLU, nullptr);
  }

  Result<void> prepare();
  Result<OutboundAnswer> finish();

 private:
  template <class Value>
  void set(CURLoption option, Value value) {
    curl_easy_setopt(easy, option, value);
  }
  Result<void> set_headers();
  void set_tls();
  void set_method();
  void set_callbacks();
  Error error_of(CURLcode code) const;
  bool allows(const Result<asio::ip::address>& address);
  std::size_t refuse(Error error) {
    refusal_ = std::move(error);
    return 0;
  }

  static std::size_t on_body(char* data, std::size_t size, std::size_t count, void* self);
  static std::size_t on_header(char* data, std::size_t size, std::size_t count, void* self);
  static curl_socket_t on_open(void* self, curlsocktype, curl_sockaddr* address);
  static int on_request(void* self, char* remote_ip, char*, int, int);

  const OutboundRequest& request_;
  std::unique_ptr<CURLU, UrlFree> url_;
  std::unique_ptr<curl_slist, ListFree> headers_, connect_to_;
  char words_[CURL_ERROR_SIZE] = {};
  OutboundAnswer answer_;
  std::size_t header_bytes_ = 0;
  std::optional<Error> refusal_;  // ours, which curl only knows as "a callback said no"
};

Result<void> Exchange::prepare() {
  if (!is_token(request_.method))
    return fail(Errc::invalid, kSite, fmt::format("'{}' is not an HTTP method", request_.method));
  TRY(url_, parsed(request_.url));
  set(CURLOPT_CURLU, url_.get());
  set(CURLOPT_PROTOCOLS_STR, "http,https");
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_QUICK_EXIT, 1L);  // leaving does not wait for a name look-up
  set(CURLOPT_ERRORBUFFER, words_);
  set(CURLOPT_PROXY, request_.proxy.c_str());
  set(CURLOPT_MAXFILESIZE_LARGE, static_cast<curl_off_t>(request_.answer_bytes_max));
  if (!request_.ca_file.empty()) set(CURLOPT_CAINFO, request_.ca_file.c_str());
  set_tls();
  set_method();
  set_callbacks();
  return set_headers();
}

// curl looks at the blobs while it connects: they are the request's, which lives as long.
void Exchange::set_tls() {
  const auto& tls = request_.tls;
  const auto lend = [this](CURLoption option, const std::string& pem) {
    if (pem.empty()) return;
    curl_blob blob{const_cast<char*>(pem.data()), pem.size(), CURL_BLOB_NOCOPY};
    set(option, &blob);
  };
  lend(CURLOPT_CAINFO_BLOB, tls.ca);
  lend(CURLOPT_SSLCERT_BLOB, tls.certificate);
  lend(CURLOPT_SSLKEY_BLOB, tls.key);
  // Instead of the machine's own: curl would look into their folder as well.
  if (!tls.ca.empty() || !request_.ca_file.empty()) set<const char*>(CURLOPT_CAPATH, nullptr);
  if (!tls.verify) {
    set(CURLOPT_SSL_VERIFYPEER, 0L);
    set(CURLOPT_SSL_VERIFYHOST, 0L);
  }
  if (tls.server_name.empty()) return;
  // The URL names whom we mean, and the connection goes where it said before.
  const auto to = fmt::format("::{}:{}", part_of(url_.get(), CURLUPART_HOST),
                              part_of(url_.get(), CURLUPART_PORT, CURLU_DEFAULT_PORT));
  curl_url_set(url_.get(), CURLUPART_HOST, tls.server_name.c_str(), 0);
  connect_to_.reset(curl_slist_append(nullptr, to.c_str()));
  set(CURLOPT_CONNECT_TO, connect_to_.get());
}

// A method with a body is a POST under another name to curl; HEAD is the one without an answer's
// body.
void Exchange::set_method() {
  const auto& method = request_.method;
  if (method == "HEAD") {
    set(CURLOPT_NOBODY, 1L);
  } else if (!request_.body.empty() || method == "POST" || method == "PUT" || method == "PATCH") {
    set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request_.body.size()));
    set(CURLOPT_POSTFIELDS,
        request_.body.empty() ? "" : reinterpret_cast<const char*>(request_.body.data()));
    set(CURLOPT_CUSTOMREQUEST, method.c_str());
  } else if (method != "GET") {
    set(CURLOPT_CUSTOMREQUEST, method.c_str());
  }
}

Result<void> Exchange::set_headers() {
  const auto add = [this](const std::string& line) {
    if (auto* longer = curl_slist_append(headers_.get(), line.c_str()); longer != nullptr) {
      (void)headers_.release();
      headers_.reset(longer);
    }
  };
  for (const auto& [name, value] : request_.headers) {
    if (!is_header_name(name) || !is_header_value(value))
      return fail(Errc::invalid, kSite, fmt::format("'{}' is not an HTTP header", name));
    add(value.empty() ? name + ";" : fmt::format("{}: {}", name, value));
  }
  // What curl would add by itself.
  add("Expect:");
  if (!has_header(request_, "content-type")) add("Content-Type:");
  set(CURLOPT_HTTPHEADER, headers_.get());
  return {};
}

void Exchange::set_callbacks() {
  set(CURLOPT_WRITEFUNCTION, on_body);
  set(CURLOPT_WRITEDATA, this);
  set(CURLOPT_HEADERFUNCTION, on_header);
  set(CURLOPT_HEADERDATA, this);
  if (!request_.allowed || !request_.proxy.empty()) return;
  set(CURLOPT_OPENSOCKETFUNCTION, on_open);
  set(CURLOPT_OPENSOCKETDATA, this);
  set(CURLOPT_PREREQFUNCTION, on_request);
  set(CURLOPT_PREREQDATA, this);
}

bool Exchange::allows(const Result<asio::ip::address>& address) {
  auto allowed = address ? request_.allowed(*address) : Result<void>(fail(address.error()));
  if (allowed) {  // another address of the host was not; this one counts
    refusal_.reset();
    return true;
  }
  refusal_ = std::move(allowed).error();
  return false;
}

curl_socket_t Exchange::on_open(void* self, curlsocktype, curl_sockaddr* address) {
  if (!static_cast<Exchange*>(self)->allows(address_of(address->addr))) return CURL_SOCKET_BAD;
  return ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

int Exchange::on_request(void* self, char* remote_ip, char*, int, int) {
  boost::system::error_code ec;
  Result<asio::ip::address> address = asio::ip::make_address(remote_ip, ec);
  if (ec) address = fail(Errc::denied, kSite, fmt::format("the address '{}'", remote_ip));
  return static_cast<Exchange*>(self)->allows(address) ? CURL_PREREQFUNC_OK : CURL_PREREQFUNC_ABORT;
}

std::size_t Exchange::on_body(char* data, std::size_t size, std::size_t count, void* self) {
  auto& exchange = *static_cast<Exchange*>(self);
  auto& body = exchange.answer_.body;
  const std::size_t bytes = size * count;
  if (body.size() + bytes > exchange.request_.answer_bytes_max) {
    return exchange.refuse(
        {Errc::exhausted, kSite,
         fmt::format("the answer has more than {} bytes", exchange.request_.answer_bytes_max)});
  }
  append(body, std::string_view(data, bytes));
  return bytes;
}

std::size_t Exchange::on_header(char* data, std::size_t size, std::size_t count, void* self) {
  auto& exchange = *static_cast<Exchange*>(self);
  const std::string_view line(data, size * count);
  exchange.header_bytes_ += line.size();
  if (exchange.header_bytes_ > limits::kHttpAnswerHeaderBytesMax) {
    return exchange.refuse({Errc::exhausted, kSite,
                            fmt::format("the answer's headers have more than {} bytes",
                                        limits::kHttpAnswerHeaderBytesMax)});
  }
  if (line.starts_with("HTTP/")) {  // after a 100 Continue, for instance, it begins again
    exchange.answer_.headers.clear();
    return line.size();
  }
  const auto colon = line.find(':');
  const bool trailer = !exchange.answer_.body.empty();
  if (colon != std::string_view::npos && !trailer) {
    exchange.answer_.headers.push_back({std::string(trimmed(line.substr(0, colon))),
                                        std::string(trimmed(line.substr(colon + 1)))});
  }
  return line.size();
}

Error Exchange::error_of(CURLcode code) const {
  if (refusal_) return *refusal_;
  if (code == CURLE_FILESIZE_EXCEEDED)
    return {Errc::exhausted, kSite,
            fmt::format("the answer has more than {} bytes", request_.answer_bytes_max)};
  if (code == CURLE_URL_MALFORMAT || code == CURLE_UNSUPPORTED_PROTOCOL)
    return {Errc::invalid, kSite, words_[0] != '\0' ? words_ : curl_easy_strerror(code)};
  return {Errc::unavailable, kSite, words_[0] != '\0' ? words_ : curl_easy_strerror(code)};
}

Result<OutboundAnswer> Exchange::finish() {
  if (*result != CURLE_OK) return fail(error_of(*result));
  long status = 0;
  curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
  answer_.status = static_cast<std::uint16_t>(status);
  const char* location = nullptr;
  curl_easy_getinfo(easy, CURLINFO_REDIRECT_URL, &location);
  if (location != nullptr) answer_.location = location;
  return std::move(answer_);
}

}  // namespace

bool is_header_name(std::string_view name) { return is_token(name); }

bool is_header_value(std::string_view value) {
  return std::all_of(value.begin(), value.end(), [](char c) {
    return static_cast<unsigned char>(c) >= 0x20 ? c != 0x7f : c == '\t';
  });
}

Result<UrlParts> parse_http_url(const std::string& url) {
  TRY(const auto handle, parsed(url));
  UrlParts parts{.scheme = part_of(handle.get(), CURLUPART_SCHEME),
                 .host = part_of(handle.get(), CURLUPART_HOST)};
  std::transform(parts.host.begin(), parts.host.end(), parts.host.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  if (parts.host.starts_with('[')) parts.host = parts.host.substr(1, parts.host.size() - 2);
  while (parts.host.ends_with('.')) parts.host.pop_back();  // the root's dot names the same host
  parts.port = static_cast<std::uint16_t>(
      std::stoul(part_of(handle.get(), CURLUPART_PORT, CURLU_DEFAULT_PORT)));
  return parts;
}

class HttpClient::Multi final : public CurlMulti {
 public:
  explicit Multi(runtime::Core& core_of) : CurlMulti(core_of), core(core_of) {}
  runtime::Core& core;
  runtime::Admission places{limits::kHttpRequestsMax, limits::kHttpRequestsQueuedMax};
};

HttpClient::HttpClient(runtime::Core& core) : multi_(std::make_shared<Multi>(core)) {}
HttpClient::~HttpClient() { close(); }
void HttpClient::close() { multi_->close(); }

runtime::Task<OutboundAnswer> HttpClient::send(OutboundRequest request,
                                               runtime::Deadline deadline) {
  const auto multi = multi_;
  CO_TRY(const auto place, co_await multi->places.enter(deadline));
  if (!multi->open()) co_return fail(Errc::cancelled, kSite, "the HTTP client has been closed");
  Exchange exchange(multi->core, request);
  CO_TRY_OK(exchange.prepare());
  if (!multi->add(exchange)) co_return fail(Errc::internal, kSite, "curl took no more requests");
  const auto how = co_await exchange.done.wait(deadline);
  multi->remove(exchange);
  if (how == runtime::Wake::cancelled && !exchange.result)
    co_return fail(Errc::cancelled, kSite, "no longer wanted");
  if (!exchange.result)
    co_return fail(Errc::timeout, kSite, fmt::format("no answer from {} in time", request.url));
  co_return exchange.finish();
}

}  // namespace trellis::net
