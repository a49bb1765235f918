// How a provider in a process of its own calls its actors: signed invocations over the bus, as
// providers of 2022 send them. Any core; the bus is on core 0, so a call hops there and back.
// docs/protocol.md §3.2–3.4.
#pragma once

#include <memory>
#include <string>

#include "capability/host_data.h"
#include "capability/provider.h"
#include "lattice/invocation.h"
#include "lattice/invocation_exchange.h"
#include "lattice/subjects.h"

namespace trellis::capability {

class BusActors final : public Actors {
 public:
  // `provider`: under whose name it calls.
  BusActors(runtime::Cores& cores, lattice::Bus& bus, lattice::LargeMessages& large,
            lattice::Entity provider, std::string lattice, std::string host_id,
            claims::KeyPair cluster);

  runtime::Task<Bytes> call(std::string_view actor_id, std::string_view operation,
                            BytesView payload, runtime::Deadline deadline) override;

 private:
  runtime::Task<Bytes> send(lattice::Invocation invocation, runtime::Deadline deadline);

  runtime::Cores& cores_;
  lattice::InvocationExchange exchange_;
  const lattice::Entity provider_;
  const lattice::Subjects subjects_;
  const std::string host_id_;
  const claims::KeyPair cluster_;
};

}  // namespace trellis::capability
