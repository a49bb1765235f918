#include "capability/bus_actors.h"

#include <fmt/format.h>

namespace trellis::capability {

BusActors::BusActors(runtime::Cores& cores, lattice::Bus& bus, lattice::Entity provider,
                     std::string lattice, std::string host_id, claims::KeyPair cluster)
    : cores_(cores),
      bus_(bus),
      provider_(std::move(provider)),
      subjects_{.prefix = std::move(lattice)},
      host_id_(std::move(host_id)),
      cluster_(std::move(cluster)) {}

runtime::Task<Bytes> BusActors::call(std::string_view actor_id, std::string_view operation,
                                     BytesView payload, runtime::Deadline deadline) {
  lattice::Invocation invocation;
  invocation.origin = provider_;
  invocation.target.public_key = actor_id;
  invocation.operation = operation;
  invocation.msg.assign(payload.begin(), payload.end());
  lattice::sign(invocation, cluster_, host_id_);
  std::function<runtime::Task<Bytes>()> make = [this, &invocation, deadline] {
    return send(std::move(invocation), deadline);
  };
  co_return co_await cores_.run_on<Bytes>(0, std::move(make));
}

runtime::Task<Bytes> BusActors::send(lattice::Invocation invocation, runtime::Deadline deadline) {
  lattice::Message message;
  message.subject = subjects_.actor(invocation.target.public_key);
  message.data = lattice::encode(invocation);
  auto reply = co_await bus_.request(std::move(message), deadline);
  if (!reply && reply.error().code == Errc::unavailable) {
    co_return fail(
        Errc::not_found, "capability.actor",
        fmt::format("actor {} is not running on any host of lattice {}: {}",
                    invocation.target.public_key, subjects_.prefix, reply.error().detail));
  }
  if (!reply) co_return fail(std::move(reply).error());
  CO_TRY(auto response, lattice::decode_invocation_response(reply->data));
  if (response.error) co_return fail(Errc::invalid, "capability.actor", std::move(*response.error));
  if (response.content_length.value_or(0) > response.msg.size()) {
    co_return fail(Errc::exhausted, "capability.actor",
                   "the answer was too large for one message and was left in an object store");
  }
  co_return std::move(response.msg);
}

}  // namespace trellis::capability
