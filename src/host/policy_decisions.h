// What a policy service has decided about calls, for as long as it holds: until the service takes
// it back, the claims of either side change, or newer decisions need the room. One on each core,
// kept equal by Policy; not thread-safe. Finding one allocates nothing.
#pragma once

#include <cstddef>
#include <list>
#include <string>
#include <string_view>

#include <boost/unordered/unordered_flat_map.hpp>

#include "host/policy_message.h"

namespace trellis::host {

// Who calls which actor. Not what is called: services are not told the operation.
struct CallView {
  std::string_view source_key, source_contract, source_link, target_key;
  bool operator==(const CallView&) const = default;
};
struct CallKey {
  std::string source_key, source_contract, source_link, target_key;
  CallView view() const { return {source_key, source_contract, source_link, target_key}; }
  bool involves(std::string_view key) const { return source_key == key || target_key == key; }
};

struct CallHash {
  std::size_t operator()(const CallView& call) const;
};

class PolicyDecisions {
 public:
  static constexpr std::size_t kDefaultMax = 10'000;
  explicit PolicyDecisions(std::size_t decisions_max = kDefaultMax) : max_(decisions_max) {}
  PolicyDecisions(PolicyDecisions&&) = default;

  const PolicyDecision* find(const CallView& call) const;
  // In place of what was decided about this call; the oldest decision goes when there are too many.
  void put(CallKey call, std::string request_id, PolicyDecision decision);
  // The service thought better of it. False when no decision of that request is kept.
  bool change(std::string_view request_id, const PolicyDecision& decision);
  void forget(std::string_view public_key);  // whatever it calls, whoever calls it
  std::size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    CallKey call;
    std::string request_id;
    PolicyDecision decision;
  };
  using Entries = std::list<Entry>;  // the oldest first
  Entries::iterator erase(Entries::iterator entry);

  std::size_t max_;
  Entries entries_;
  // Both refer to the text in the entries.
  boost::unordered_flat_map<CallView, Entries::iterator, CallHash> by_call_;
  boost::unordered_flat_map<std::string_view, Entries::iterator, std::hash<std::string_view>>
      by_request_;
};

}  // namespace trellis::host
