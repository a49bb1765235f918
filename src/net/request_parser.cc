#include "net/request_parser.h"

#include <limits>
#include <optional>

#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>

namespace trellis::net {
namespace {

namespace beast = boost::beast;
namespace http = beast::http;

constexpr std::string_view as_std(beast::string_view s) { return {s.data(), s.size()}; }

bool same(std::string_view a, std::string_view b) {
  return beast::iequals({a.data(), a.size()}, {b.data(), b.size()});
}

std::uint16_t status_of(const beast::error_code& ec) {
  if (ec == http::error::header_limit) return 431;
  if (ec == http::error::body_limit) return 413;
  if (ec == http::error::bad_version) return 505;
  return 400;
}

// Beast's parser with its findings put where we want them.
struct Grammar : http::basic_parser<true> {
  HttpRequest* request = nullptr;
  Bytes* body = nullptr;
  std::string_view bytes;  // what is being parsed, to tell views into it from others
  std::uint16_t refusal = 0;
  unsigned hosts = 0;
  bool has_length = false, has_encoding = false, head_done = false, http11 = true;
  std::string_view expect;

  void stop(std::uint16_t status, beast::error_code& ec) {
    refusal = status;
    ec = http::error::bad_field;
  }
  void on_request_impl(http::verb, beast::string_view method, beast::string_view target,
                       int version, beast::error_code&) override {
    request->method = as_std(method);
    request->target = as_std(target);
    http11 = version >= 11;
  }
  void on_response_impl(int, beast::string_view, int, beast::error_code&) override {}
  void on_field_impl(http::field field, beast::string_view name, beast::string_view value,
                     beast::error_code& ec) override {
    if (head_done) return;  // trailers
    if (request->headers.size() == kHeaderCountMax) return stop(431, ec);
    // A folded line comes as a copy in the parser's frame; RFC 9112 §5.2 lets a server refuse it.
    if (!value.empty() &&
        (value.data() < bytes.data() || value.data() >= bytes.data() + bytes.size()))
      return stop(400, ec);
    switch (field) {
      case http::field::host:
        ++hosts;
        break;
      case http::field::content_length:
        has_length = true;
        break;
      case http::field::transfer_encoding:
        has_encoding = true;
        if (!same(as_std(value), "chunked")) return stop(501, ec);
        break;
      case http::field::expect:
        expect = as_std(value);
        break;
      default:
        break;
    }
    request->headers.push_back({as_std(name), as_std(value)});
  }
  void on_header_impl(beast::error_code&) override { head_done = true; }
  void on_body_init_impl(const boost::optional<std::uint64_t>&, beast::error_code&) override {}
  std::size_t on_body_impl(beast::string_view part, beast::error_code&) override {
    return part.size();
  }
  void on_chunk_header_impl(std::uint64_t, beast::string_view, beast::error_code&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, beast::string_view part,
                                 beast::error_code&) override {
    append(*body, as_std(part));
    return part.size();
  }
  void on_finish_impl(beast::error_code&) override {}
};

}  // namespace

class RequestParser::Impl {
 public:
  Impl(std::size_t header_bytes_max, std::size_t body_bytes_max)
      : header_bytes_max_(header_bytes_max), body_bytes_max_(body_bytes_max) {}

  void start() { skipped_ = searched_ = 0; }
  Step parse_head(std::string_view bytes, HttpRequest& request);
  Step parse_chunks(std::string_view bytes, std::size_t& used, Bytes& body);
  Step refuse(std::uint16_t status) {
    refusal_ = status;
    return Step::refused;
  }

  RequestHead head_;
  std::uint16_t refusal_ = 0;

 private:
  std::optional<std::uint16_t> check_head(const Grammar& grammar) const;
  Step finish_head(const Grammar& grammar, HttpRequest& request);

  const std::size_t header_bytes_max_, body_bytes_max_;
  std::optional<Grammar> grammar_;
  std::size_t skipped_ = 0;   // blank lines before the request
  std::size_t searched_ = 0;  // behind them: no end of head begins before this
};

namespace {

// target → path and query; false when it is of a form that only proxies get.
bool split_target(HttpRequest& request) {
  std::string_view rest = request.target;
  if (rest.empty()) return false;
  if (rest.front() != '/' && rest != "*") {
    const auto scheme = rest.find("://");
    if (scheme == rest.npos ||
        !(same(rest.substr(0, scheme), "http") || same(rest.substr(0, scheme), "https")))
      return false;
    const auto path = rest.find_first_of("/?", scheme + 3);
    rest = path == rest.npos ? std::string_view("/") : rest.substr(path);
    request.target = rest;
  }
  const auto mark = rest.find('?');
  request.path = rest.substr(0, mark);
  request.query = mark == rest.npos ? std::string_view{} : rest.substr(mark + 1);
  if (request.path.empty()) request.path = "/";
  return true;
}

}  // namespace

// The grammar sees a head only when it is whole: it takes what it understands as it goes, and views
// of a part would dangle when the buffer grows.
RequestParser::Step RequestParser::Impl::parse_head(std::string_view bytes, HttpRequest& request) {
  // RFC 9112 §2.2: a server ignores blank lines before a request.
  while (searched_ == 0 && skipped_ < 8 && bytes.substr(skipped_).starts_with("\r\n"))
    skipped_ += 2;
  const auto rest = bytes.substr(skipped_);
  const auto end = rest.find("\r\n\r\n", searched_);
  if (end == rest.npos ? rest.size() > header_bytes_max_ : end + 4 > header_bytes_max_)
    return refuse(431);
  if (end == rest.npos) {
    searched_ = rest.size() < 4 ? 0 : rest.size() - 3;
    return Step::need_more;
  }
  auto& grammar = grammar_.emplace();
  grammar.header_limit(std::numeric_limits<std::uint32_t>::max());
  grammar.body_limit(static_cast<std::uint64_t>(body_bytes_max_));
  grammar.request = &request;
  grammar.bytes = rest.substr(0, end + 4);
  beast::error_code ec;
  const std::size_t used = grammar.put({grammar.bytes.data(), grammar.bytes.size()}, ec);
  if (ec) return refuse(grammar.refusal != 0 ? grammar.refusal : status_of(ec));
  if (!grammar.head_done || used != grammar.bytes.size()) return refuse(400);
  head_.bytes = skipped_ + used;
  return finish_head(grammar, request);
}

std::optional<std::uint16_t> RequestParser::Impl::check_head(const Grammar& grammar) const {
  if (grammar.has_length && grammar.has_encoding) return 400;
  if (grammar.has_encoding && !head_.http11) return 400;
  if (grammar.hosts > 1 || (head_.http11 && grammar.hosts == 0)) return 400;
  if (!grammar.expect.empty() && !same(grammar.expect, "100-continue")) return 417;
  return std::nullopt;
}

RequestParser::Step RequestParser::Impl::finish_head(const Grammar& grammar, HttpRequest& request) {
  head_.http11 = grammar.http11;
  head_.keep_alive = grammar.keep_alive();
  head_.expects_continue = head_.http11 && !grammar.expect.empty();
  head_.content_length = 0;
  if (grammar.chunked()) {
    head_.body = RequestHead::Body::chunked;
  } else if (const auto length = grammar.content_length(); length && *length > 0) {
    head_.body = RequestHead::Body::sized;
    head_.content_length = *length;
  } else {
    head_.body = RequestHead::Body::none;
  }
  if (const auto status = check_head(grammar)) return refuse(*status);
  if (!split_target(request)) return refuse(400);
  return Step::done;
}

RequestParser::Step RequestParser::Impl::parse_chunks(std::string_view bytes, std::size_t& used,
                                                      Bytes& body) {
  used = 0;
  auto& grammar = *grammar_;
  grammar.body = &body;
  while (!grammar.is_done()) {
    beast::error_code ec;
    const auto rest = bytes.substr(used);
    grammar.bytes = rest;
    // The shortest end is "0\r\n\r\n", so waiting for five bytes never waits for ever; with fewer
    // of a last chunk that was begun the grammar fails an assertion of its own.
    if (rest.size() < 5) return Step::need_more;
    used += grammar.put({rest.data(), rest.size()}, ec);
    if (ec == http::error::need_more) {
      if (bytes.size() - used > kChunkHeadBytesMax) return refuse(400);
      return Step::need_more;
    }
    if (ec) return refuse(status_of(ec));
  }
  return Step::done;
}

RequestParser::RequestParser(std::size_t header_bytes_max, std::size_t body_bytes_max)
    : impl_(std::make_unique<Impl>(header_bytes_max, body_bytes_max)) {}
RequestParser::~RequestParser() = default;
void RequestParser::start() { impl_->start(); }
RequestParser::Step RequestParser::parse_head(std::string_view bytes, HttpRequest& request) {
  return impl_->parse_head(bytes, request);
}
const RequestHead& RequestParser::head() const { return impl_->head_; }
RequestParser::Step RequestParser::parse_chunks(std::string_view bytes, std::size_t& used,
                                                Bytes& body) {
  return impl_->parse_chunks(bytes, used, body);
}
std::uint16_t RequestParser::refusal() const { return impl_->refusal_; }

}  // namespace trellis::net
