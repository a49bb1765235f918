// What a host asks a policy service and what that answers, as the JSON of docs/protocol.md §9.4.
// Used by Policy, which sends and receives it. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "lattice/invocation.h"

namespace trellis::host {

// May this be done, and what is said about it. `message` is the service's own words, cut to what an
// error may hold; "reason not specified" when it refuses without one.
struct PolicyDecision {
  bool permitted = false;
  std::string message;
  bool operator==(const PolicyDecision&) const = default;
};
PolicyDecision denied(std::string message);

struct PolicyHost {  // who asks
  std::string public_key, issuer, lattice;
  std::map<std::string, std::string> labels;
  std::vector<std::string> cluster_issuers;
};

// What is to be started. A provider says under which contract and link name; an actor has neither.
struct PolicyStart {
  std::string public_key, issuer, contract_id{}, link_name{};
  bool provider = false;
};
std::string start_question(const std::string& request_id, const PolicyStart& start,
                           const PolicyHost& host, std::uint64_t now_unix);

// Who calls whom. What is called is an actor that runs on the host.
struct PolicyCall {
  lattice::Entity source;
  std::string source_issuer, source_capabilities;  // capability claims, with commas between
  std::string target_key, target_issuer;
};
std::string call_question(const std::string& request_id, const PolicyCall& call,
                          const PolicyHost& host);

// The error's detail is the text 2022 has for what cannot be read.
Result<PolicyDecision> parse_decision(std::string_view body);

// A decision taken back, as it comes on the topic for changes: its request id is spelled otherwise
// there.
struct PolicyChange {
  std::string request_id;
  PolicyDecision decision;
};
Result<PolicyChange> parse_change(std::string_view body);

}  // namespace trellis::host
