// What a host tells a provider that runs in a process of its own, on its stdin: who it is, how to
// reach the lattice, which links there are. A value, and its one line both ways: the host writes
// it, trellis-provider reads it. It holds the cluster's seed, so it never shows up in a log.
// Format: docs/protocol.md §4.2.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "lattice/link.h"

namespace trellis::capability {

struct HostData {
  std::string host_id, lattice, link_name, provider_key, instance_id;
  std::string bus_url;              // host:port; "" is the port of NATS on this machine
  std::string user_jwt, user_seed;  // both "" for nobody in particular
  bool tls = false;
  std::map<std::string, std::string> env_values;
  std::vector<lattice::Link> links;
  std::string config_json;  // of `start provider --config-json`, "" if none
  std::chrono::milliseconds rpc_timeout{};
  std::vector<std::string> cluster_issuers;
  std::string invocation_seed;
  std::optional<std::string> js_domain;
  bool structured_logging = false;
};

std::string to_line(const HostData& data);  // base64 of JSON, with its line end
// Tolerant of what hosts leave out or send as null. The error says which member is wrong; it
// repeats no value.
Result<HostData> parse_host_data(std::string_view line);

}  // namespace trellis::capability
