// The providers of this host: which run, under which link name, with the true state of every link.
// Starts and stops them, hands links over (in the order they were made), asks for their health.
// Core 0.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "control/messages.h"
#include "host/builtin_providers.h"
#include "host/delivery.h"
#include "host/parts.h"
#include "runtime/admission.h"

namespace trellis::host {

// What a provider holds to call actors: the router, under the provider's own name.
class LinkedActors final : public capability::Actors {
 public:
  LinkedActors(Router& router, lattice::Entity provider)
      : router_(router), provider_(std::move(provider)) {}
  runtime::Task<Bytes> call(std::string_view actor_id, std::string_view operation,
                            BytesView payload, runtime::Deadline deadline) override {
    return router_.call_actor(provider_, actor_id, operation, payload, deadline, 0);
  }

 private:
  Router& router_;
  const lattice::Entity provider_;
};

class ProviderTable {
 public:
  // `routes_changed` is awaited after a provider came or went, so that calls find it or no longer
  // try.
  ProviderTable(Parts& parts, Delivery& delivery,
                std::function<runtime::Task<void>()> routes_changed);
  ~ProviderTable();

  // Errors carry the 2022 texts; the matching event has been published when they return.
  runtime::Task<void> start(control::StartProvider request);
  runtime::Task<void> stop(control::StopProvider request);
  runtime::Task<void> stop_all(runtime::Deadline deadline);

  // A link is new or gone: tell the provider, if it runs here. Returns when the provider has
  // answered; its answer is kept as the link's state.
  runtime::Task<void> link_put(lattice::Link link);
  runtime::Task<void> link_deleted(lattice::Link link);
  control::LinkStatus status_of(const lattice::Link& link) const;

  runtime::Task<void> check_health();  // of all, one after the other
  bool running(const std::string& reference, const std::string& link_name) const;
  std::shared_ptr<capability::Provider> find(const std::string& key,
                                             const std::string& link_name) const;
  std::vector<control::ProviderDescription> describe() const;
  std::vector<lattice::HeartbeatProvider> heartbeat() const;

 private:
  struct Running;
  using Key = std::pair<std::string, std::string>;  // public key, link name

  Result<std::shared_ptr<Running>> make(const control::StartProvider& request);
  runtime::Task<void> run(std::shared_ptr<Running> provider);
  runtime::Task<void> put(std::shared_ptr<Running> provider, lattice::Link link);
  Result<void> subscribe(std::shared_ptr<Running> provider);
  runtime::Task<void> take_down(std::shared_ptr<Running> provider, runtime::Deadline deadline);
  std::shared_ptr<Running> running_for(const lattice::Link& link) const;
  runtime::Task<void> store(lattice::ClaimsRecord record, std::string reference);
  void publish_started(const Running& provider);

  Parts& parts_;
  Delivery& delivery_;
  std::function<runtime::Task<void>()> routes_changed_;
  std::map<Key, std::shared_ptr<Running>> providers_;
};

}  // namespace trellis::host
