// Where a Redis is and how to be let in: the value URL of a kvredis link.
//   redis://[user:password@]host[:6379][/database]      rediss:// is the same over TLS
//   unix:///path/to/socket[?db=1&pass=secret]           (redis+unix:// too)
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace trellis::keyvalue {

struct RedisUrl {
  std::string host;  // "" when it is a socket's path
  std::uint16_t port = 6379;
  std::string unix_path;
  bool tls = false;
  std::string user, password;  // "": none
  std::uint32_t database = 0;

  std::string shown() const;  // for people: where, without who
};

// Errors (invalid) show what was expected, and not the password.
Result<RedisUrl> parse_redis_url(std::string_view text);

}  // namespace trellis::keyvalue
