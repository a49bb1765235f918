#include "net/response_head.h"

#include <array>
#include <charconv>
#include <ctime>

#include <boost/beast/core/string.hpp>

#include "base/log.h"

namespace trellis::net {
namespace {

bool same(std::string_view a, std::string_view b) {
  return boost::beast::iequals({a.data(), a.size()}, {b.data(), b.size()});
}

constexpr std::array<bool, 256> token_characters() {
  std::array<bool, 256> out{};
  for (char c : std::string_view("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz"
                                 "ABCDEFGHIJKLMNOPQRSTUVWXYZ"))
    out[static_cast<unsigned char>(c)] = true;
  return out;
}
constexpr auto kTokenCharacter = token_characters();

bool is_token(std::string_view name) {
  for (char c : name)
    if (!kTokenCharacter[static_cast<unsigned char>(c)]) return false;
  return !name.empty();
}

bool is_field_value(std::string_view value) {
  for (char c : value)
    if (c == '\r' || c == '\n' || c == '\0') return false;
  return true;
}

// Framing belongs to the server: a handler that sets these would contradict what is sent.
bool is_servers_own(std::string_view name) {
  switch (name.size()) {
    case 4:
      return same(name, "date");
    case 6:
      return same(name, "server");
    case 10:
      return same(name, "connection") || same(name, "keep-alive");
    case 14:
      return same(name, "content-length");
    case 17:
      return same(name, "transfer-encoding");
    default:
      return false;
  }
}

void append_number(std::string& out, std::size_t number) {
  char digits[20];
  const auto end = std::to_chars(std::begin(digits), std::end(digits), number).ptr;
  out.append(digits, static_cast<std::size_t>(end - digits));
}

void append_header(std::string& out, const HttpHeader& header) {
  if (!is_token(header.name) || !is_field_value(header.value)) {
    LOG(warn, "an answer's header is left out: its name or value has characters HTTP forbids");
    return;
  }
  if (is_servers_own(header.name)) return;
  out.append(header.name);
  out.append(": ");
  out.append(header.value);
  out.append("\r\n");
}

}  // namespace

std::string server_and_date(std::string_view server_name,
                            std::chrono::system_clock::time_point now) {
  static constexpr const char* kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                            "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const std::time_t seconds = std::chrono::system_clock::to_time_t(now);
  std::tm t{};
  gmtime_r(&seconds, &t);
  return fmt::format("Server: {}\r\nDate: {}, {:02} {} {} {:02}:{:02}:{:02} GMT\r\n", server_name,
                     kDays[t.tm_wday], t.tm_mday, kMonths[t.tm_mon], t.tm_year + 1900, t.tm_hour,
                     t.tm_min, t.tm_sec);
}

void write_head(std::string& out, const HttpResponse& response, std::string_view server_and_date,
                AfterAnswer after) {
  out.clear();
  out.append("HTTP/1.1 ");
  append_number(out, response.status);
  out.push_back(' ');
  out.append(reason_phrase(response.status));
  out.append("\r\n");
  for (const auto& header : response.headers) append_header(out, header);
  if (has_content(response.status)) {
    out.append("Content-Length: ");
    append_number(out, response.body.size());
    out.append("\r\n");
  }
  out.append(server_and_date);
  if (after == AfterAnswer::close)
    out.append("Connection: close\r\n");
  else if (after == AfterAnswer::keep_http10)
    out.append("Connection: keep-alive\r\n");
  out.append("\r\n");
}

std::string_view reason_phrase(std::uint16_t status) {
  switch (status) {
    case 200:
      return "OK";
    case 201:
      return "Created";
    case 202:
      return "Accepted";
    case 203:
      return "Non-Authoritative Information";
    case 204:
      return "No Content";
    case 205:
      return "Reset Content";
    case 206:
      return "Partial Content";
    case 207:
      return "Multi-Status";
    case 300:
      return "Multiple Choices";
    case 301:
      return "Moved Permanently";
    case 302:
      return "Found";
    case 303:
      return "See Other";
    case 304:
      return "Not Modified";
    case 307:
      return "Temporary Redirect";
    case 308:
      return "Permanent Redirect";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 402:
      return "Payment Required";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 406:
      return "Not Acceptable";
    case 407:
      return "Proxy Authentication Required";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 410:
      return "Gone";
    case 411:
      return "Length Required";
    case 412:
      return "Precondition Failed";
    case 413:
      return "Content Too Large";
    case 414:
      return "URI Too Long";
    case 415:
      return "Unsupported Media Type";
    case 416:
      return "Range Not Satisfiable";
    case 417:
      return "Expectation Failed";
    case 418:
      return "I'm a teapot";
    case 421:
      return "Misdirected Request";
    case 422:
      return "Unprocessable Content";
    case 423:
      return "Locked";
    case 424:
      return "Failed Dependency";
    case 425:
      return "Too Early";
    case 426:
      return "Upgrade Required";
    case 428:
      return "Precondition Required";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 451:
      return "Unavailable For Legal Reasons";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 502:
      return "Bad Gateway";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    case 505:
      return "HTTP Version Not Supported";
    case 507:
      return "Insufficient Storage";
    case 508:
      return "Loop Detected";
    case 511:
      return "Network Authentication Required";
    default:
      return "";
  }
}

}  // namespace trellis::net
