#include "host/provider_links.h"

#include <set>

namespace trellis::host {

std::vector<lattice::Link> ProviderLinks::begin(const std::vector<lattice::Link>& wanted,
                                                bool one_by_one) {
  told_.clear();
  std::vector<lattice::Link> given;
  if (one_by_one) return given;
  for (const auto& link : wanted) {
    if (why_withheld(link) || !told_.emplace(link.actor_id, link).second) continue;
    given.push_back(link);
  }
  return given;
}

std::vector<ProviderLinks::Step> ProviderLinks::missing(
    const std::vector<lattice::Link>& wanted) const {
  std::vector<Step> steps;
  std::set<std::string> actors;
  for (const auto& link : wanted) {
    if (why_withheld(link)) continue;
    actors.insert(link.actor_id);
    const auto known = told_.find(link.actor_id);
    if (known != told_.end() && known->second == link) continue;
    if (known != told_.end()) steps.push_back({.link = known->second, .gone = true});
    steps.push_back({.link = link, .gone = false});
  }
  for (const auto& [actor, link] : told_) {
    if (!actors.contains(actor)) steps.push_back({.link = link, .gone = true});
  }
  return steps;
}

void ProviderLinks::told(const Step& step) {
  if (step.gone) {
    told_.erase(step.link.actor_id);
  } else {
    told_.insert_or_assign(step.link.actor_id, step.link);
  }
}

bool ProviderLinks::was_told(const lattice::Link& link) const {
  const auto known = told_.find(link.actor_id);
  return known != told_.end() && known->second == link;
}

void ProviderLinks::blame(const lattice::Link& link, std::string why) {
  told_.erase(link.actor_id);
  blamed_.insert_or_assign(link.actor_id, Blamed{.link = link, .why = std::move(why)});
}

void ProviderLinks::again(const lattice::Link& link) {
  blamed_.erase(link.actor_id);
  const auto known = told_.find(link.actor_id);
  if (known != told_.end() && known->second == link) told_.erase(known);
}

std::optional<std::string> ProviderLinks::why_withheld(const lattice::Link& link) const {
  const auto found = blamed_.find(link.actor_id);
  if (found == blamed_.end() || found->second.link != link) return std::nullopt;
  return found->second.why;
}

}  // namespace trellis::host
