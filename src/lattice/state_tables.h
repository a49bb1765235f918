// The half of every State that readers see: its records in memory, and the observer that is told
// when they change. Where a change is made safe first, and in which order changes come, is said by
// what is derived: JournalState, BroadcastState, JetStreamState. Core 0.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <utility>

#include "lattice/state.h"
#include "lattice/state_record.h"

namespace trellis::lattice {

// Who made a change. What is loaded is told to nobody.
enum class Origin { loaded, here, elsewhere };

class StateTables : public State {
 public:
  std::vector<Link> links() const final;
  const Link* link(const std::string& actor_id, const std::string& contract_id,
                   const std::string& link_name) const final;
  std::vector<ClaimsRecord> all_claims() const final;
  const ClaimsRecord* claims(const std::string& public_key) const final;
  std::optional<std::string> key_of_reference(const std::string& reference) const final;
  std::optional<std::string> key_of_alias(const std::string& call_alias) const final;

 protected:
  explicit StateTables(Observer observer) : observer_(std::move(observer)) {}

  // Whether the tables say already what the record says.
  bool holds(const StateRecord& record) const;

  // `order` says who put claims first: of those with one call alias the lowest has it. Does nothing
  // with a record that is there already, but for its order. Gives back the link that was replaced
  // or deleted.
  std::optional<Link> apply(const StateRecord& record, std::uint64_t order, Origin origin);

  std::optional<std::uint64_t> order_of_claims(const std::string& public_key) const;

 private:
  using LinkKey = std::tuple<std::string, std::string, std::string>;  // actor, contract, link name
  struct KnownClaims {
    std::uint64_t order;
    ClaimsRecord record;
  };
  static LinkKey key_of_link(const Link& link);

  std::optional<Link> put(const Link& link, Origin origin);
  std::optional<Link> remove(const Link& named, Origin origin);
  void put(const ClaimsRecord& record, std::uint64_t order, Origin origin);
  void put(const Reference& reference, Origin origin);
  void tell_claims(const std::string& public_key, Origin origin);

  Observer observer_;
  std::map<LinkKey, Link> links_;
  std::map<std::string, KnownClaims> claims_;
  std::map<std::string, std::string> references_;  // reference → public key
  // Call alias → who wants it, by order: the first has it.
  std::map<std::string, std::set<std::pair<std::uint64_t, std::string>>> aliases_;
};

}  // namespace trellis::lattice
