#include "keyvalue/redis_url.h"

#include <fmt/format.h>

#include <charconv>

#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>

namespace trellis::keyvalue {
namespace {

constexpr std::string_view kExpected =
    "expected redis://[user:password@]host[:port][/database], rediss:// for TLS, or "
    "unix:///path/to/socket";

tl::unexpected<Error> bad(std::string_view why) {
  return fail(Errc::invalid, "kvredis.url", fmt::format("URL: {}; {}", why, kExpected));
}

template <class Number>
bool parse_number(std::string_view text, Number& out) {
  const auto* end = text.data() + text.size();
  const auto [at, ec] = std::from_chars(text.data(), end, out);
  return ec == std::errc{} && at == end;
}

Result<std::uint32_t> parse_database(std::string_view text) {
  std::uint32_t number = 0;
  if (!parse_number(text, number))
    return bad(fmt::format("'{}' is not the number of a database", text));
  return number;
}

Result<RedisUrl> parse_unix(const boost::urls::url_view& parsed) {
  RedisUrl url;
  url.unix_path = parsed.path();
  if (url.unix_path.empty() || url.unix_path == "/") return bad("the socket's path is missing");
  for (const auto& param : parsed.params()) {
    const std::string_view key(param.key.data(), param.key.size());
    const std::string value(param.value.data(), param.value.size());
    if (key == "db") {
      TRY(url.database, parse_database(value));
    } else if (key == "user") {
      url.user = value;
    } else if (key == "pass") {
      url.password = value;
    } else {
      return bad(fmt::format("'{}' is not known after the '?'", key));
    }
  }
  return url;
}

Result<RedisUrl> parse_tcp(const boost::urls::url_view& parsed) {
  RedisUrl url;
  url.host = parsed.host_type() == boost::urls::host_type::ipv6
                 ? parsed.host_ipv6_address().to_string()
                 : parsed.host();
  if (url.host.empty()) return bad("the host is missing");
  if (parsed.has_port() && !parsed.port().empty()) {
    const std::string port = parsed.port();
    if (!parse_number(port, url.port) || url.port == 0)
      return bad(fmt::format("port '{}' is not a number from 1 to 65535", port));
  }
  url.user = parsed.user();
  url.password = parsed.password();
  std::string path = parsed.path();
  if (!path.empty()) path.erase(0, 1);
  if (!path.empty()) {
    TRY(url.database, parse_database(path));
  }
  if (parsed.has_query()) return bad("nothing may follow a '?'");
  return url;
}

}  // namespace

std::string RedisUrl::shown() const {
  if (!unix_path.empty()) return unix_path;
  return host.find(':') == std::string::npos ? fmt::format("{}:{}", host, port)
                                             : fmt::format("[{}]:{}", host, port);
}

Result<RedisUrl> parse_redis_url(std::string_view text) {
  const auto parsed = boost::urls::parse_uri({text.data(), text.size()});
  if (!parsed) return bad("this is no URL");
  const std::string scheme = parsed->scheme();
  if (scheme == "unix" || scheme == "redis+unix") return parse_unix(*parsed);
  if (scheme != "redis" && scheme != "rediss") {
    return bad(fmt::format("'{}' is not a scheme of Redis", scheme));
  }
  TRY(auto url, parse_tcp(*parsed));
  url.tls = scheme == "rediss";
  return url;
}

}  // namespace trellis::keyvalue
