// A host: everything between the bus and the guests, put together in one place and taken apart
// again. Made by main() after the cores; stopped before they are.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>

#include "host/actor_table.h"
#include "host/config.h"
#include "host/config_service.h"
#include "host/control_service.h"
#include "host/delivery.h"
#include "host/host_bus.h"
#include "host/host_config_file.h"
#include "host/identity.h"
#include "host/key_claim.h"
#include "host/link_table.h"
#include "host/metrics.h"
#include "host/peers.h"
#include "host/provider_table.h"

namespace trellis::host {

class Host {
 public:
  struct Environment {
    runtime::Cores& cores;
    runtime::Offload& offload;
    // Called on core 0 each time the lattice asks this host to stop.
    std::function<void()> request_stop;
  };
  // From main(). Errors are sentences for the person who started the host.
  static Result<std::unique_ptr<Host>> start(const Config& config, Environment environment);
  ~Host();  // stop() has been called

  // From main(). Not ready from now on; listeners close with their requests answered; actors and
  // providers stop; the lattice is told. Bounded by `limit`.
  // An error: something still runs in here, so this object must not be destroyed.
  Result<void> stop(std::chrono::milliseconds limit);

  bool ready() const { return ready_.load(std::memory_order_relaxed); }  // any thread

  // Core 0, for the console.
  const Config& config() const { return config_; }
  control::HostDescription describe() const;
  ControlService& control() { return *control_; }
  // Starts the signed module; its key. For requests that stop() waits for.
  runtime::Task<std::string> start_actor(Bytes wasm, std::uint16_t count);
  // The text of GET /metrics (metrics::kContentType). For requests that stop() waits for. Errors:
  // unavailable, timeout, exhausted.
  runtime::Task<std::string> metrics();
  std::string bus_description() const { return bus_->rpc().describe(); }
  std::uint16_t bus_port() const { return bus_->control_port(); }

 private:
  Host(const Config& config, Environment environment, Identity identity);

  runtime::Task<void> start_on_core();
  runtime::Task<void> stop_on_core(std::chrono::milliseconds limit);
  runtime::Task<void> housekeep();
  Result<std::string> state_folder() const;
  lattice::State::Observer state_observer();
  runtime::Task<void> open_state();
  Result<void> open_policy();
  std::optional<Policy::Claims> claims_of(const std::string& key) const;
  void open_artifacts();
  runtime::Task<void> start_bus();
  runtime::Task<void> check_that_key_is_free();
  void bus_changed(bool connected, const std::string& why);
  void take_apart();
  void publish_heartbeat();
  void announce();
  void tell_wash();

  const Config config_;
  Environment environment_;
  const Identity identity_;
  const lattice::Subjects subjects_;
  const std::chrono::steady_clock::time_point started_;
  std::atomic<bool> ready_{false};
  unsigned foreign_calls_ = 0;  // start_actor() and metrics() in progress

  // In the order in which each needs the one before it.
  std::unique_ptr<runtime::TaskGroup> tasks_;
  std::stop_source pulls_stop_;
  std::unique_ptr<runtime::Offload> pulls_;
  std::shared_ptr<registry::Credentials> credentials_;
  std::unique_ptr<runtime::Offload> spawner_;
  std::shared_ptr<registry::RegistrySource> registries_;
  std::unique_ptr<artifact::Resolver> resolver_;
  std::unique_ptr<engine::Engine> engine_;
  std::unique_ptr<HostBus> bus_;
  std::unique_ptr<lattice::State> state_;
  std::unique_ptr<EventSink> events_;
  std::unique_ptr<lattice::InvocationSeal> seal_;
  std::unique_ptr<KeyClaim> key_claim_;
  std::unique_ptr<Peers> peers_;
  std::unique_ptr<lattice::LargeMessages> large_;
  std::unique_ptr<RemoteCalls> remote_;
  std::unique_ptr<CallEvents> call_events_;
  std::unique_ptr<Policy> policy_;  // none when nobody is to be asked
  std::unique_ptr<Router> router_;
  std::unique_ptr<Parts> parts_;
  std::unique_ptr<Delivery> delivery_;
  std::unique_ptr<ProviderTable> providers_;
  std::unique_ptr<LinkTable> links_;
  std::unique_ptr<ActorTable> actors_;
  std::unique_ptr<ControlService> control_;
  std::unique_ptr<Metrics> metrics_;
  std::unique_ptr<ConfigService> config_service_;
  std::optional<HostConfigFile> config_file_;
};

// "1 hour, 2 minutes, 3 seconds"
std::string uptime_human(std::chrono::seconds uptime);

}  // namespace trellis::host
