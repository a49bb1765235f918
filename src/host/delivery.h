// Invocations that come over the bus to what runs here: an actor or a provider. Each passes the
// same stages, in this order: decode, authenticate, authorize, admit, execute, encode. The first
// three run on core 0, where the bus is; the call itself on the cores in turn.
#pragma once

#include <string>

#include "capability/provider.h"
#include "host/parts.h"
#include "lattice/invocation.h"

namespace trellis::host {

class Delivery {
 public:
  explicit Delivery(Parts& parts);

  // Serves an actor's subject while the subscription lives.
  Result<lattice::Subscription> serve_actor(std::string actor_key);
  // Serves the subject of a provider in this process.
  Result<lattice::Subscription> serve_provider(std::string provider_key, std::string link_name,
                                               std::shared_ptr<capability::Provider> provider);

 private:
  struct Target {
    std::string key, link_name;                      // link_name "" for an actor
    std::shared_ptr<capability::Provider> provider;  // null for an actor
  };

  void receive(const Target& target, const lattice::Message& message);
  runtime::Task<void> answer(Target target, std::string reply, Bytes data);
  Result<void> send(const std::string& to, const lattice::InvocationResponse& response);
  runtime::Task<Bytes> handle(Target target, lattice::Invocation& invocation);

  Result<void> authenticate(const Target& target, const lattice::Invocation& invocation);
  Result<lattice::Link> authorize_provider_call(const Target& target,
                                                const lattice::Invocation& invocation) const;
  runtime::Task<Bytes> execute(Target target, const lattice::Invocation& invocation);

  Parts& parts_;
  lattice::InvocationVerifier verifier_;
  std::size_t running_ = 0;
  unsigned next_core_ = 0;
};

}  // namespace trellis::host
