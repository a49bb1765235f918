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
#include "host/manifest_run.h"
#include "host/metrics.h"
#include "host/peers.h"
#include "host/provider_table.h"
#include "net/byte_relay.h"

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

  // From main(). Not ready from now on, and bids for nothing; but all that comes is served, while
  // whoever sends it learns that this host goes: HTTP connections end with their next answer.
  Result<void> leave();
  // From main(). Listeners close with their requests answered; calls from other hosts that were on
  // their way are answered; actors and providers stop; the lattice is told. Bounded by `limit`.
  // An error: something still runs in here, so this object must not be destroyed.
  Result<void> stop(std::chrono::milliseconds limit);

  bool leaving() const { return phase() >= Phase::leaving; }  // any thread
  bool serving() const { return phase() == Phase::serving || phase() == Phase::leaving; }

  // Core 0, for the console.
  // What probes are told. Ready once the bus is joined and what is configured to run has run
  // (manifest_run.h); from then on until it leaves. NATS that is away changes nothing: calls within
  // this host go on, and a host that is taken from its callers for that would serve nobody, and all
  // of them at once. That it is away is said beside.
  struct Readiness {
    std::string why_not{};  // "" when it is ready
    bool bus_connected = true;
  };
  Readiness readiness();
  // Something of the console uses this host: stop() waits for its end.
  class Visit {
   public:
    explicit Visit(Host& host) : host_(host) { ++host_.visits_; }
    ~Visit() { --host_.visits_; }
    Visit(const Visit&) = delete;
    Visit& operator=(const Visit&) = delete;

   private:
    Host& host_;
  };
  const Config& config() const { return config_; }
  control::HostDescription describe() const;
  ControlService& control() { return *control_; }
  // Starts the signed module; its key.
  runtime::Task<std::string> start_actor(Bytes wasm, std::uint16_t count);
  // The text of GET /metrics (metrics::kContentType). Errors: timeout, exhausted.
  runtime::Task<std::string> metrics();
  std::string bus_description() const { return bus_->rpc().describe(); }
  std::uint16_t bus_port() const { return bus_->control_port(); }

 private:
  enum class Phase { starting, serving, leaving, stopping };
  Phase phase() const { return phase_.load(std::memory_order_relaxed); }

  Host(const Config& config, Environment environment, Identity identity);

  runtime::Task<void> start_on_core();
  runtime::Task<void> leave_on_core();
  runtime::Task<void> stop_on_core(std::chrono::milliseconds limit);
  runtime::Task<void> stop_serving(runtime::Deadline deadline);
  Result<void> start_relay();
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
  std::atomic<Phase> phase_{Phase::starting};
  bool was_ready_ = false;  // to probes
  unsigned visits_ = 0;

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
  std::unique_ptr<net::ByteRelay> relay_;  // to the NATS server; none when nobody wants it
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
  std::unique_ptr<ManifestRun> manifest_run_;
  std::optional<HostConfigFile> config_file_;
};

// "1 hour, 2 minutes, 3 seconds"
std::string uptime_human(std::chrono::seconds uptime);

}  // namespace trellis::host
