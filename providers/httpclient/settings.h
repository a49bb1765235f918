// What the values of an httpclient link mean. 2022 had none; all are optional, in any case, and may
// also come as JSON (config_json, config_b64) or as the provider's configuration, which is read
// first.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>

#include <boost/json/object.hpp>

#include "base/limits.h"
#include "base/result.h"
#include "httpclient/allow_list.h"
#include "lattice/link.h"

namespace trellis::httpclient {

struct Settings {
  AllowList allow;                                   // allow
  std::optional<std::chrono::milliseconds> timeout;  // timeout_ms: for all of a call, redirects too
  std::size_t answer_bytes_max = limits::kHttpAnswerBytesMax;  // max_response_bytes
  unsigned redirects_max = 10;                                 // max_redirects
  std::string ca_file;                                         // PEM, instead of the machine's CAs
  std::string proxy;                                           // URL of one
};

// Errors name the key and what was wrong with it.
Result<Settings> parse_settings(const boost::json::object& defaults, const lattice::Link& link);

// What works but was probably not meant so.
std::string oddities_of(const Settings& settings, const lattice::Link& link);

}  // namespace trellis::httpclient
