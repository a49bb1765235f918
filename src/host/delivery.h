// Invocations that come over the bus to what runs here: an actor or a provider. Each passes the
// same stages, in this order: decode, admit, authenticate, authorize, execute, encode. All but the
// call itself run on core 0, where the bus is; the call on the cores in turn. Each target is served
// on two subjects: signed invocations come on one, sealed ones on the other
// (lattice/invocation_seal.h).
#pragma once

#include <string>

#include "base/line_rate.h"
#include "capability/provider.h"
#include "host/call_events.h"
#include "host/invocation_cells.h"
#include "host/parts.h"
#include "lattice/invocation.h"
#include "lattice/invocation_exchange.h"
#include "lattice/invocation_seal.h"

namespace trellis::host {

class Delivery {
 public:
  Delivery(Parts& parts, const lattice::InvocationSeal& seal, lattice::LargeMessages& large,
           CallEvents& events);

  // Serves an actor while the subscription lives.
  Result<lattice::Subscription> serve_actor(std::string actor_key);
  // Serves a provider in this process.
  Result<lattice::Subscription> serve_provider(std::string provider_key, std::string link_name,
                                               std::shared_ptr<capability::Provider> provider);

  // What has come is answered when this returns; error `timeout` if not all of it could be.
  runtime::Task<void> finish(runtime::Deadline deadline);
  const InvocationCells& cells() const { return cells_; }  // core 0

 private:
  struct Target {
    std::string key, link_name;                      // link_name "" for an actor
    std::shared_ptr<capability::Provider> provider;  // null for an actor
  };

  Result<lattice::Subscription> serve(const std::string& subject, const std::string& queue,
                                      Target target);
  void receive(const Target& target, const lattice::Message& message);
  runtime::Task<void> answer(Target target, lattice::Message message);
  runtime::Task<void> take(Target target, lattice::Message message);
  runtime::Task<Bytes> handle(Target target, std::string_view subject,
                              lattice::Invocation& invocation);
  runtime::Task<Bytes> run(Target target, std::string_view subject,
                           lattice::Invocation& invocation);

  Result<lattice::Link> authorize_provider_call(const Target& target,
                                                const lattice::Invocation& invocation) const;
  runtime::Task<Bytes> execute(Target target, const lattice::Invocation& invocation);

  void note_refused(const std::string& what);
  void tell_refused(const Target& target, const lattice::Invocation& invocation);

  Parts& parts_;
  const lattice::InvocationSeal& seal_;
  lattice::InvocationExchange exchange_;
  CallEvents& events_;
  lattice::InvocationVerifier verifier_;
  std::size_t running_ = 0;
  std::size_t unanswered_ = 0;  // also those whose answer is on its way out
  InvocationCells cells_;
  log::LineRate refused_;
  unsigned next_core_ = 0;
};

}  // namespace trellis::host
