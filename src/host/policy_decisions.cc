#include "host/policy_decisions.h"

#include <boost/container_hash/hash.hpp>

namespace trellis::host {

std::size_t CallHash::operator()(const CallView& call) const {
  std::size_t seed = 0;
  for (const auto part : {call.source_key, call.source_contract, call.source_link, call.target_key})
    boost::hash_combine(seed, std::hash<std::string_view>{}(part));
  return seed;
}

const PolicyDecision* PolicyDecisions::find(const CallView& call) const {
  const auto found = by_call_.find(call);
  return found == by_call_.end() ? nullptr : &found->second->decision;
}

void PolicyDecisions::put(CallKey call, std::string request_id, PolicyDecision decision) {
  if (const auto old = by_call_.find(call.view()); old != by_call_.end()) erase(old->second);
  if (const auto old = by_request_.find(request_id); old != by_request_.end()) erase(old->second);
  if (entries_.size() >= max_) erase(entries_.begin());
  entries_.push_back({std::move(call), std::move(request_id), std::move(decision)});
  const auto entry = std::prev(entries_.end());
  by_call_.emplace(entry->call.view(), entry);
  by_request_.emplace(entry->request_id, entry);
}

bool PolicyDecisions::change(std::string_view request_id, const PolicyDecision& decision) {
  const auto found = by_request_.find(request_id);
  if (found == by_request_.end()) return false;
  found->second->decision = decision;
  return true;
}

void PolicyDecisions::forget(std::string_view public_key) {
  for (auto entry = entries_.begin(); entry != entries_.end();)
    entry = entry->call.involves(public_key) ? erase(entry) : std::next(entry);
}

PolicyDecisions::Entries::iterator PolicyDecisions::erase(Entries::iterator entry) {
  by_call_.erase(entry->call.view());
  by_request_.erase(entry->request_id);
  return entries_.erase(entry);
}

}  // namespace trellis::host
