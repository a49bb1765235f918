// The wasmcloud:messaging provider over NATS, under the name it had in 2022: nats_messaging. Each
// link has a connection of its own, to the servers it names or to the lattice's own bus; its
// subscriptions call the actor, the actor publishes and asks over it.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include <boost/json/object.hpp>

#include "capability/messaging_contract.h"
#include "capability/provider.h"
#include "messaging/settings.h"

namespace trellis::messaging {

inline constexpr std::string_view kPublicKey =
    "VADNMSIML2XGO2X4TPIONTIC55R2UUQGPPDZPAVSC2QD7E76CR77SPW7";

class NatsClient;
class Subscriber;

// Core 0, but for handle().
class MessagingProvider final : public capability::Provider {
 public:
  explicit MessagingProvider(capability::ProviderContext context);
  ~MessagingProvider() override;

  // Fails when no server can be reached; the connection is tried again, and messages flow once it
  // is made.
  runtime::Task<void> link_put(lattice::Link link) override;
  std::string warning_about(const lattice::Link& link) const override;
  runtime::Task<void> link_delete(lattice::Link link) override;
  runtime::Task<Bytes> handle(const lattice::Link& link, std::string_view operation,
                              BytesView payload, runtime::Deadline deadline) override;
  runtime::Task<void> health() override;
  runtime::Task<void> stop(runtime::Deadline deadline) override;

 private:
  struct Linked {
    Settings settings;
    std::shared_ptr<NatsClient> client;
    std::vector<std::shared_ptr<Subscriber>> subscribers;
  };
  // What a call over a link needs; a copy on each core.
  struct Way {
    std::shared_ptr<NatsClient> client;
    bool lattice_subjects = false;
    std::shared_ptr<const std::vector<Subscription>> subscriptions{};
  };
  runtime::Task<Linked> open(std::string actor_id, Settings settings);
  runtime::Task<void> close(std::string actor_id, runtime::Deadline deadline);
  runtime::Task<void> set_here(std::string actor_id, Way way);
  runtime::Task<Bytes> publish(Way way, capability::PubMessage message);
  runtime::Task<Bytes> request(Way way, capability::RequestMessage message,
                               runtime::Deadline deadline);

  const capability::ProviderContext context_;
  const Result<boost::json::object> defaults_;
  std::map<std::string, Linked> links_;  // by actor
  std::vector<std::map<std::string, Way, std::less<>>> per_core_;
};

}  // namespace trellis::messaging
