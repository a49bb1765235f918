#include "host/provider_links.h"

#include <string_view>

namespace trellis::host {

std::vector<lattice::Link> ProviderLinks::begin(const std::vector<lattice::Link>& wanted,
                                                bool one_by_one) {
  told_.clear();
  std::vector<lattice::Link> given;
  if (one_by_one) return given;
  for (const auto& link : wanted) {
    if (is_withheld(link) || !told_.emplace(link.actor_id, Told{link, {}, false}).second) continue;
    given.push_back(link);
  }
  return given;
}

std::vector<ProviderLinks::Step> ProviderLinks::missing(
    const std::vector<lattice::Link>& wanted) const {
  std::map<std::string_view, const lattice::Link*> by_actor;
  for (const auto& link : wanted) {
    if (!is_withheld(link)) by_actor.insert_or_assign(link.actor_id, &link);
  }
  std::vector<Step> steps;
  for (const auto& [actor, told] : told_) {
    const auto now = by_actor.find(actor);
    if (now != by_actor.end() && told.link == *now->second) {
      by_actor.erase(now);
    } else {
      steps.push_back({.link = told.link, .gone = true});
    }
  }
  for (const auto& [actor, link] : by_actor) steps.push_back({.link = *link, .gone = false});
  return steps;
}

void ProviderLinks::told(const Step& step) {
  if (step.gone) {
    told_.erase(step.link.actor_id);
  } else {
    told_.insert_or_assign(step.link.actor_id, Told{step.link, {}, false});
  }
}

bool ProviderLinks::was_told(const lattice::Link& link) const {
  const auto known = told_.find(link.actor_id);
  return known != told_.end() && known->second.link == link;
}

void ProviderLinks::answered(const lattice::Link& link, std::string trouble, bool may_pass) {
  if (!was_told(link)) return;
  auto& told = told_.at(link.actor_id);
  told.may_pass = may_pass && !trouble.empty();
  told.answer = std::move(trouble);
}

std::vector<lattice::Link> ProviderLinks::unanswered() const {
  std::vector<lattice::Link> links;
  for (const auto& [actor, told] : told_) {
    if (!told.answer) links.push_back(told.link);
  }
  return links;
}

std::vector<lattice::Link> ProviderLinks::worth_trying_again() const {
  std::vector<lattice::Link> links;
  for (const auto& [actor, told] : told_) {
    if (told.may_pass) links.push_back(told.link);
  }
  return links;
}

void ProviderLinks::blame(const lattice::Link& link, std::string why) {
  told_.erase(link.actor_id);
  blamed_.insert_or_assign(link.actor_id, Blamed{.link = link, .why = std::move(why)});
}

void ProviderLinks::again(const lattice::Link& link) {
  blamed_.erase(link.actor_id);
  const auto known = told_.find(link.actor_id);
  if (known != told_.end() && known->second.link == link) told_.erase(known);
}

bool ProviderLinks::is_withheld(const lattice::Link& link) const {
  const auto found = blamed_.find(link.actor_id);
  return found != blamed_.end() && found->second.link == link;
}

std::string ProviderLinks::trouble(const lattice::Link& link) const {
  if (is_withheld(link)) return blamed_.at(link.actor_id).why;
  return was_told(link) ? told_.at(link.actor_id).answer.value_or("") : "";
}

}  // namespace trellis::host
