// Everything /metrics shows, as values: put together by host/metrics.h, turned into text by
// host/metrics_text.h.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/call_cells.h"
#include "base/durations.h"
#include "base/http_cells.h"
#include "engine/engine.h"
#include "host/actor_cells.h"
#include "host/host_bus.h"
#include "host/invocation_cells.h"
#include "host/process_numbers.h"
#include "registry/source.h"

namespace trellis::host {

struct MetricsSnapshot {
  struct Actor {
    std::string key, name;
    ActorCells cells;
  };
  struct Link {  // calls by it
    std::string actor_id, contract_id, link_name;
    CallCells calls;
  };
  struct Listener {
    std::string actor_id, link_name, address;
    HttpCells cells;
  };
  struct Provider {
    std::string key, name, link_name, contract_id;
    bool up = false;
    std::uint64_t restarts = 0;
  };

  unsigned restarts = 0;  // of hosts within this container
  std::string version, engine_version, host_key, host_name, lattice;
  double started_at = 0, uptime_seconds = 0;
  ProcessNumbers process;
  std::vector<Durations> loop_lag;  // by core
  HostBus::Numbers bus;
  bool bus_embedded = false;
  std::uint64_t events_dropped = 0;
  engine::EngineNumbers engine;
  registry::RegistrySource::Numbers artifacts;
  InvocationCells sent, received;
  std::map<std::string, std::uint64_t> links_by_state;
  std::vector<Provider> providers;
  std::vector<Listener> listeners;
  std::vector<Actor> actors;
  std::vector<Link> links;
};

}  // namespace trellis::host
