// Collects what the parts of a host count and makes the answer to GET /metrics. Numbers are counted
// where the work is, by plain increments on the core that owns them; at a scrape core 0 posts to
// each core, which copies its own, and adds them up. Made and asked on core 0; the text is made on
// a thread apart, so that ten thousand series hold up no core.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <tuple>

#include "host/actor_table.h"
#include "host/call_events.h"
#include "host/delivery.h"
#include "host/host_bus.h"
#include "host/link_table.h"
#include "host/metrics_snapshot.h"
#include "host/provider_table.h"
#include "host/remote_calls.h"
#include "runtime/admission.h"
#include "runtime/offload.h"
#include "runtime/per_core.h"

namespace trellis::host {

class Metrics {
 public:
  struct Sources {  // they outlive this
    const Parts& parts;
    const ActorTable& actors;
    const ProviderTable& providers;
    const LinkTable& links;
    const RemoteCalls& remote;
    const Delivery& delivery;
    const CallEvents& call_events;
    const HostBus& bus;
    const registry::RegistrySource& registries;
  };
  explicit Metrics(Sources sources);

  // From here on each core watches how late its timers are.
  runtime::Task<void> start();
  // One scrape. Errors: timeout (a core did not answer within a second: its numbers would be
  // missing, and a sum that fell would look like a restart), exhausted (too many scrapes at once).
  runtime::Task<std::string> text();

 private:
  struct Scrape;
  std::shared_ptr<Scrape> begin_scrape() const;
  std::string finish(Scrape& scrape);  // on the writer's thread

  const Sources sources_;
  const std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
  const std::chrono::system_clock::time_point started_at_ = std::chrono::system_clock::now();
  const std::shared_ptr<runtime::PerCore<Durations>> lag_;
  runtime::Admission turn_;  // one scrape at a time
  // The sums of the scrape before, for the names of operations they show; of what is still there.
  std::map<std::string, ActorCells> actors_;
  std::map<std::tuple<std::string, std::string, std::string>, CallCells> links_;
  runtime::Offload writer_;
};

}  // namespace trellis::host
