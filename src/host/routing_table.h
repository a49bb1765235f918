// Where calls go, as one immutable value: who is linked to whom, and which call alias is whose.
// Built on core 0 whenever a link, a provider or an alias changes (LinkTable);
// every core holds a copy.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <boost/unordered/unordered_flat_map.hpp>

#include "base/call_cells.h"
#include "capability/provider.h"
#include "lattice/link.h"
#include "runtime/per_core.h"

namespace trellis::host {

struct TextHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const {
    return std::hash<std::string_view>{}(text);
  }
};
template <class T>
using TextMap = boost::unordered_flat_map<std::string, T, TextHash, std::equal_to<>>;

struct RoutedLink {
  lattice::Link link;
  std::shared_ptr<capability::Provider> provider;      // null: not in this process
  std::shared_ptr<runtime::PerCore<CallCells>> calls;  // counts them; never null in a table
  std::string why_down;  // of one that runs here in a process of its own; "" while it is up
};

struct RoutingTable {
  TextMap<std::vector<RoutedLink>> links_of_actor;
  TextMap<std::string> key_of_alias;

  const RoutedLink* find(std::string_view actor, std::string_view contract,
                         std::string_view link_name) const {
    const auto found = links_of_actor.find(actor);
    if (found == links_of_actor.end()) return nullptr;
    for (const auto& routed : found->second) {
      if (routed.link.contract_id == contract && routed.link.link_name == link_name) return &routed;
    }
    return nullptr;
  }
};

}  // namespace trellis::host
