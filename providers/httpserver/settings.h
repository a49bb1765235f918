// What the values of an httpserver link mean. Keys are case-insensitive; sources are read in this
// order and later ones win: config_file (JSON or TOML path), config_b64, config_json, address,
// port. docs/protocol.md §10.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"

namespace trellis::httpserver {

struct Cors {
  std::vector<std::string> allowed_origins;  // empty: any
  std::vector<std::string> allowed_headers{"accept", "accept-language", "content-type",
                                           "content-language"};
  std::vector<std::string> allowed_methods{"GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS"};
  std::vector<std::string> exposed_headers;
  std::uint64_t max_age_secs = 300;
  bool operator==(const Cors&) const = default;
};

struct Settings {
  std::string address = "127.0.0.1:8000";        // ip:port
  std::string tls_certificate, tls_private_key;  // PEM paths; both or neither
  Cors cors;
  std::optional<std::chrono::milliseconds>
      timeout;  // for the actor's answer; none: the host's RPC timeout
  std::string log_level = "info";
  std::vector<std::string> unknown;  // what was given and is not a setting (unknown_settings.h)
  bool operator==(const Settings&) const = default;
};

// Errors name the key and what was wrong with it.
Result<Settings> parse_settings(const std::map<std::string, std::string>& values);

}  // namespace trellis::httpserver
