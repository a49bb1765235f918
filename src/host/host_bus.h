// The buses of a host, as its configuration says: one of its own, or connections to NATS servers
// that are there already; one for calls and one for control, the same when they go to the same
// place. Owned by Host; core 0.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "host/config.h"
#include "host/identity.h"
#include "lattice/embedded_bus.h"
#include "lattice/nats_bus.h"

namespace trellis::host {

// How providers in processes of their own reach the lattice.
struct ProviderBus {
  std::string url;                  // host:port
  std::string user_jwt, user_seed;  // both "" for nobody in particular
  bool tls = false;
};

class HostBus {
 public:
  // `changed`: a connection to NATS was lost, and why; or all that were lost are back.
  using Changed = std::function<void(bool connected, const std::string& why)>;
  static runtime::Task<std::unique_ptr<HostBus>> start(const Config& config,
                                                       const Identity& identity, Changed changed);

  lattice::Bus& rpc() { return embedded_ ? *embedded_ : static_cast<lattice::Bus&>(*rpc_); }
  lattice::Bus& control() { return control_ ? *control_ : rpc(); }
  const ProviderBus& for_providers() const { return for_providers_; }
  bool connected() const;
  struct Numbers {
    lattice::BusNumbers rpc;
    std::optional<lattice::BusNumbers> control;  // when it is another connection
    std::size_t clients = 0;                     // of the embedded bus
  };
  Numbers numbers() const;
  bool embedded() const { return embedded_ != nullptr; }
  // Where clients find the control interface.
  const std::string& control_host() const { return control_host_; }
  std::uint16_t control_port() const { return control_port_; }

  // What waits to be sent goes out until the deadline.
  runtime::Task<void> stop(runtime::Deadline deadline);

 private:
  HostBus() = default;
  runtime::Task<void> start_embedded(const Config& config, const Identity& identity);
  runtime::Task<void> join_nats(const Config& config, const Identity& identity);
  void connection_changed(bool is_back, const std::string& why);

  std::unique_ptr<lattice::EmbeddedBus> embedded_;
  std::unique_ptr<lattice::NatsBus> rpc_, control_;  // control_ null: rpc_ carries both
  ProviderBus for_providers_;
  std::string control_host_;
  std::uint16_t control_port_ = 0;
  Changed changed_;
};

}  // namespace trellis::host
