// Link definitions as the host carries them out: stored, told to the lattice, handed to the
// provider, and made part of the routing table, in that order. A provider of another host is handed
// the link by that host, which is asked what became of it. Core 0.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "control/messages.h"
#include "host/parts.h"
#include "host/peers.h"
#include "host/provider_table.h"

namespace trellis::host {

class LinkTable {
 public:
  LinkTable(Parts& parts, ProviderTable& providers, const Peers& peers);

  // Succeeds when the link is on disk and every core routes by it. The status says whether its
  // provider could take it; a link that failed there is kept.
  runtime::Task<control::LinkStatus> put(lattice::Link link);
  // Whether there was one. Its port is free when this returns.
  runtime::Task<bool> remove(std::string actor_id, std::string contract_id, std::string link_name);

  // Builds the routing table anew and gives it to all cores. Changes that come while one is built
  // share the next.
  runtime::Task<void> refresh_routes();

  struct Calls {  // by one link; for host/metrics.h
    std::string actor_id, contract_id, link_name;
    std::shared_ptr<runtime::PerCore<CallCells>> cells;
  };
  std::vector<Calls> calls() const;

  // Another host has taken the command, told the bus and published the event; here the routes and
  // the providers of this host follow.
  runtime::Task<void> put_elsewhere(lattice::Link link, std::optional<lattice::Link> replaced);
  runtime::Task<void> deleted_elsewhere(lattice::Link link);
  // For the host that took the command: what became of the link at a provider that runs here. Waits
  // a while until the link has arrived and is handed over.
  runtime::Task<control::LinkStatus> outcome_here(lattice::Link link);
  // Of each link, in their order; the hosts that run their providers are asked.
  runtime::Task<std::vector<control::LinkStatus>> states(std::vector<lattice::Link> links);

 private:
  using LinkName = std::tuple<std::string, std::string, std::string>;  // actor, contract, name
  static LinkName name_of(const lattice::Link& link) {
    return {link.actor_id, link.contract_id, link.link_name};
  }
  runtime::Task<void> hand_over(lattice::Link link);
  // What the host says that runs its provider, if another one does.
  runtime::Task<std::optional<control::LinkStatus>> outcome_elsewhere(lattice::Link link);
  runtime::Task<void> ask_elsewhere(lattice::Link link, control::LinkStatus& into);
  RoutingTable build();
  // Whether it has one of the providers that hear of links over the bus.
  bool tell_bus(const lattice::Link& link, bool deleted);

  Parts& parts_;
  ProviderTable& providers_;
  const Peers& peers_;
  std::map<LinkName, std::shared_ptr<runtime::PerCore<CallCells>>> calls_;  // of those routed
  std::map<LinkName, lattice::Link> handed_over_;                           // as they were then
  runtime::Admission turn_;
  std::uint64_t wanted_ = 0, built_ = 0;
};

}  // namespace trellis::host
