// A built-in provider in this process: called directly by the actors here, over the bus by those of
// other hosts. Core 0.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "builtin/builtin_providers.h"
#include "host/delivery.h"
#include "host/parts.h"
#include "host/running_provider.h"

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

class LocalProvider final : public RunningProvider {
 public:
  LocalProvider(Parts& parts, Delivery& delivery, const builtin::BuiltinProvider& builtin,
                std::string link_name, std::string config_json);
  ~LocalProvider() override;

  runtime::Task<void> start() override;
  runtime::Task<void> link_put(lattice::Link link) override;
  runtime::Task<void> link_delete(lattice::Link link) override;
  runtime::Task<void> try_links_again() override { co_return Result<void>{}; }
  std::string trouble_with(const lattice::Link&) const override { return {}; }
  bool was_told(const lattice::Link&) const override { return true; }
  runtime::Task<void> health() override;
  runtime::Task<void> prepare_stop() override { return provider_->prepare_stop(); }
  void leave_bus() override {
    for (auto& subscription : subscriptions_) subscription.leave();
  }
  runtime::Task<void> stop(runtime::Deadline deadline) override;
  ProviderState state() const override { return {ProviderState::Kind::running, {}}; }
  const std::string& instance_id() const override { return instance_id_; }
  std::shared_ptr<capability::Provider> here() const override { return provider_; }

 private:
  Result<void> subscribe();

  Parts& parts_;
  Delivery& delivery_;
  const std::string key_, link_name_, instance_id_;
  LinkedActors actors_;  // outlives the provider
  std::shared_ptr<capability::Provider> provider_;
  std::vector<lattice::Subscription> subscriptions_;
};

}  // namespace trellis::host
