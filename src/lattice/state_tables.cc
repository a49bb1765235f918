#include "lattice/state_tables.h"

#include <variant>

namespace trellis::lattice {

StateTables::LinkKey StateTables::key_of_link(const Link& link) {
  return {link.actor_id, link.contract_id, link.link_name};
}

bool StateTables::holds(const StateRecord& record) const {
  if (const auto* put_link = std::get_if<Link>(&record)) {
    const auto found = links_.find(key_of_link(*put_link));
    return found != links_.end() && found->second == *put_link;
  }
  if (const auto* deleted = std::get_if<DeletedLink>(&record))
    return !links_.contains(key_of_link(deleted->link));
  if (const auto* wanted = std::get_if<ClaimsRecord>(&record)) {
    const auto* known = claims(wanted->subject);
    return known && *known == *wanted;
  }
  const auto& reference = std::get<Reference>(record);
  return key_of_reference(reference.reference) == reference.public_key;
}

std::optional<Link> StateTables::apply(const StateRecord& record, std::uint64_t order,
                                       Origin origin) {
  if (const auto* put_link = std::get_if<Link>(&record)) return put(*put_link, origin);
  if (const auto* deleted = std::get_if<DeletedLink>(&record)) return remove(deleted->link, origin);
  if (const auto* put_claims = std::get_if<ClaimsRecord>(&record))
    put(*put_claims, order, origin);
  else
    put(std::get<Reference>(record), origin);
  return std::nullopt;
}

std::optional<Link> StateTables::put(const Link& link, Origin origin) {
  const auto [known, fresh] = links_.try_emplace(key_of_link(link), link);
  if (!fresh && known->second == link) return link;
  std::optional<Link> replaced;
  if (!fresh) replaced = std::exchange(known->second, link);
  if (origin == Origin::loaded) return replaced;
  if (observer_.link_put) observer_.link_put(link);
  if (origin == Origin::elsewhere && observer_.link_put_elsewhere)
    observer_.link_put_elsewhere(link, replaced ? &*replaced : nullptr);
  return replaced;
}

std::optional<Link> StateTables::remove(const Link& named, Origin origin) {
  const auto found = links_.find(key_of_link(named));
  if (found == links_.end()) return std::nullopt;
  auto removed = std::move(found->second);
  links_.erase(found);
  if (origin == Origin::loaded) return removed;
  if (observer_.link_deleted) observer_.link_deleted(removed);
  if (origin == Origin::elsewhere && observer_.link_deleted_elsewhere)
    observer_.link_deleted_elsewhere(removed);
  return removed;
}

void StateTables::put(const ClaimsRecord& record, std::uint64_t order, Origin origin) {
  const auto& key = record.subject;
  const auto [known, fresh] = claims_.try_emplace(key, KnownClaims{order, record});
  const bool equal = !fresh && known->second.record == record;
  if (equal && known->second.order == order) return;
  const auto former = fresh ? std::string() : known->second.record.call_alias;
  const auto had_former = key_of_alias(former);
  const auto had_wanted = key_of_alias(record.call_alias);
  if (!fresh) {
    if (const auto wanted = aliases_.find(former); wanted != aliases_.end()) {
      wanted->second.erase({known->second.order, key});
      if (wanted->second.empty()) aliases_.erase(wanted);
    }
    known->second = {order, record};
  }
  if (record.call_alias.size() > 1) aliases_[record.call_alias].emplace(order, key);
  if (!equal) tell_claims(key, origin);
  // Who got an alias by that, without a change of its own, is news too.
  for (const auto& [alias, had] : {std::pair(former, had_former), {record.call_alias, had_wanted}})
    if (const auto has = key_of_alias(alias); has && has != had && (*has != key || equal))
      tell_claims(*has, origin);
}

void StateTables::tell_claims(const std::string& public_key, Origin origin) {
  if (origin != Origin::loaded && observer_.claims_put)
    observer_.claims_put(claims_.at(public_key).record);
}

void StateTables::put(const Reference& reference, Origin origin) {
  if (key_of_reference(reference.reference) == reference.public_key) return;
  references_.insert_or_assign(reference.reference, reference.public_key);
  if (origin != Origin::loaded && observer_.reference_put)
    observer_.reference_put(reference.reference, reference.public_key);
}

std::optional<std::uint64_t> StateTables::order_of_claims(const std::string& public_key) const {
  const auto found = claims_.find(public_key);
  if (found == claims_.end()) return std::nullopt;
  return found->second.order;
}

std::vector<Link> StateTables::links() const {
  std::vector<Link> all;
  all.reserve(links_.size());
  for (const auto& [key, link] : links_) all.push_back(link);
  return all;
}

const Link* StateTables::link(const std::string& actor_id, const std::string& contract_id,
                              const std::string& link_name) const {
  const auto found = links_.find({actor_id, contract_id, link_name});
  return found == links_.end() ? nullptr : &found->second;
}

std::vector<ClaimsRecord> StateTables::all_claims() const {
  std::vector<ClaimsRecord> all;
  all.reserve(claims_.size());
  for (const auto& [key, known] : claims_) all.push_back(known.record);
  return all;
}

const ClaimsRecord* StateTables::claims(const std::string& public_key) const {
  const auto found = claims_.find(public_key);
  return found == claims_.end() ? nullptr : &found->second.record;
}

std::optional<std::string> StateTables::key_of_reference(const std::string& reference) const {
  const auto found = references_.find(reference);
  if (found == references_.end()) return std::nullopt;
  return found->second;
}

std::optional<std::string> StateTables::key_of_alias(const std::string& call_alias) const {
  const auto found = aliases_.find(call_alias);
  if (found == aliases_.end()) return std::nullopt;
  return found->second.begin()->second;
}

}  // namespace trellis::lattice
