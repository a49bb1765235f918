// A provider that this host runs, as its table sees it: wherever the code is. In this process:
// local_provider.h; in a process of its own: provider_process.h. Core 0.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "capability/provider.h"
#include "lattice/link.h"
#include "runtime/core.h"

namespace trellis::host {

struct ProviderState {
  enum class Kind { starting, running, unhealthy, down };
  Kind kind = Kind::starting;
  std::string reason;  // why it is not running, or not well
};

class RunningProvider {
 public:
  virtual ~RunningProvider() = default;  // stop() has been awaited

  // Returns when it serves. Error `unavailable`: not yet, it is tried again until stop(); any
  // other: it cannot be run at all.
  virtual runtime::Task<void> start() = 0;
  // What capability::Provider promises; for a provider elsewhere the result says no more than that
  // it was told, or that it will be when it is up.
  virtual runtime::Task<void> link_put(lattice::Link link) = 0;
  virtual runtime::Task<void> link_delete(lattice::Link link) = 0;
  // Of a provider elsewhere: those that it refused for a reason that may have passed are put again.
  virtual runtime::Task<void> try_links_again() = 0;
  // Of a provider elsewhere: what is known against a link, "" if nothing is; and whether it has
  // been told of it.
  virtual std::string trouble_with(const lattice::Link& link) const = 0;
  virtual bool was_told(const lattice::Link& link) const = 0;
  // ok, or what is wrong.
  virtual runtime::Task<void> health() = 0;
  // Of a provider in this process: see capability::Provider. One elsewhere serves on as it is.
  virtual runtime::Task<void> prepare_stop() { co_return Result<void>{}; }
  // Of a provider in this process: no more calls from the bus; those on their way still come.
  virtual void leave_bus() {}
  virtual runtime::Task<void> stop(runtime::Deadline deadline) = 0;

  virtual ProviderState state() const = 0;
  virtual std::uint64_t restarts() const { return 0; }  // of its process, since it was started
  virtual const std::string& instance_id() const = 0;   // of what runs now
  // To be called directly; null when its code is elsewhere and calls take the bus.
  virtual std::shared_ptr<capability::Provider> here() const = 0;
};

}  // namespace trellis::host
