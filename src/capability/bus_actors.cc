#include "capability/bus_actors.h"

#include <fmt/format.h>

namespace trellis::capability {

BusActors::BusActors(runtime::Cores& cores, lattice::Bus& bus, lattice::LargeMessages& large,
                     lattice::Entity provider, std::string lattice, std::string host_id,
                     claims::KeyPair cluster)
    : cores_(cores),
      exchange_(bus, large),
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
  const bool large = exchange_.is_large_request(invocation.msg.size());
  auto message = lattice::encode(invocation, large ? BytesView() : BytesView(invocation.msg));
  auto answer =
      co_await exchange_.call(subjects_.actor(invocation.target.public_key), std::move(message),
                              large ? std::move(invocation.msg) : Bytes(), invocation.id, deadline);
  if (!answer && answer.error().code == Errc::not_found)
    co_return fail(
        Errc::not_found, "capability.actor",
        fmt::format("actor {} is not running on any host of lattice {}: {}",
                    invocation.target.public_key, subjects_.prefix, answer.error().detail));
  co_return answer;
}

}  // namespace trellis::capability
