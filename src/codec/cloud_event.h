// CloudEvents 1.0 in structured JSON, as the lattice publishes its events.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include <boost/json/object.hpp>

#include "base/result.h"

namespace trellis::codec {

struct CloudEvent {
  std::string id;      // uuid4
  std::string source;  // host public key
  std::string type;    // com.wasmcloud.lattice.<name>
  std::string time;    // RFC 3339, UTC, microseconds
  boost::json::object data;
};

std::string write(const CloudEvent& event);
Result<CloudEvent> parse_cloud_event(std::string_view text);

std::string uuid4();                                              // hyphenated, lower case
std::string rfc3339(std::chrono::system_clock::time_point when);  // microseconds, Z

}  // namespace trellis::codec
