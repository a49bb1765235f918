// A built-in provider that runs in this process, from its connection to the lattice to its end.
// Made and owned by serve(); core 0.
#pragma once

#include <functional>
#include <memory>

#include "builtin/builtin_providers.h"
#include "capability/bus_actors.h"
#include "capability/host_data.h"
#include "capability/provider_service.h"
#include "host_watch.h"
#include "lattice/nats_bus.h"
#include "runtime/task_group.h"
#include "settings.h"

namespace trellis::provider_app {

class Running {
 public:
  struct Start {
    capability::HostData data;
    const builtin::BuiltinProvider& provider;
    Settings settings;
    Parent host;  // and the stream on stdin
    // Called when the host asks for the end, or is gone.
    std::function<void()> request_stop;
  };
  // Connected, its links put, listening. Errors: those of NatsBus::start(), the host's data is not
  // usable.
  static runtime::Task<std::unique_ptr<Running>> start(runtime::Cores& cores, Start start);
  ~Running();  // stop() has been awaited

  // What is under way is answered until the deadline, the host is told, the connection closed.
  runtime::Task<void> stop(runtime::Deadline deadline);

 private:
  Running(const builtin::BuiltinProvider& provider, std::function<void()> request_stop);
  runtime::Task<void> open(runtime::Cores& cores, Start start);
  runtime::Task<void> connect(const Start& start);
  void make_provider(runtime::Cores& cores, Start& start, const claims::KeyPair& cluster);
  runtime::Task<void> wait_for_order();
  runtime::Task<void> wait_for_hosts_end(Parent host);

  const builtin::BuiltinProvider& builtin_;
  const std::function<void()> request_stop_;
  std::unique_ptr<lattice::NatsBus> bus_;
  std::unique_ptr<lattice::LargeMessages> large_;  // outlives the two below
  std::unique_ptr<capability::BusActors> actors_;  // outlives the provider
  std::unique_ptr<capability::ProviderService> service_;
  runtime::TaskGroup waits_;
};

}  // namespace trellis::provider_app
