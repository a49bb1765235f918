// Link definitions as the host carries them out: stored, told to the lattice, handed to the
// provider, and made part of the routing table, in that order. Core 0.
#pragma once

#include <functional>
#include <string>

#include "control/messages.h"
#include "host/parts.h"
#include "host/provider_table.h"

namespace trellis::host {

class LinkTable {
 public:
  LinkTable(Parts& parts, ProviderTable& providers);

  // Succeeds when the link is on disk and every core routes by it. The status says whether its
  // provider could take it; a link that failed there is kept.
  runtime::Task<control::LinkStatus> put(lattice::Link link);
  // Whether there was one. Its port is free when this returns.
  runtime::Task<bool> remove(std::string actor_id, std::string contract_id, std::string link_name);

  // Builds the routing table anew and gives it to all cores. Changes that come while one is built
  // share the next.
  runtime::Task<void> refresh_routes();

  // Another host has taken the command, told the bus and published the event; here the routes and
  // the providers of this host follow.
  runtime::Task<void> put_elsewhere(lattice::Link link, std::optional<lattice::Link> replaced);
  runtime::Task<void> deleted_elsewhere(lattice::Link link);

 private:
  RoutingTable build() const;
  // Whether it has one of the providers that hear of links over the bus.
  bool tell_bus(const lattice::Link& link, bool deleted);

  Parts& parts_;
  ProviderTable& providers_;
  runtime::Admission turn_;
  std::uint64_t wanted_ = 0, built_ = 0;
};

}  // namespace trellis::host
