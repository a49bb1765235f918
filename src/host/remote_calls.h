// Calls that leave this process: sent as invocations over the bus, answered or failed by the
// deadline. To hosts with the same cluster seed they go sealed, to others signed
// (lattice/invocation_seal.h): which of the two serves a target is found out by asking the first,
// and remembered for a while on each core. Any core; the bus lives on core 0, so a call hops there
// and back.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include <boost/unordered/unordered_flat_map.hpp>

#include "host/identity.h"
#include "host/invocation_cells.h"
#include "host/peers.h"
#include "lattice/invocation.h"
#include "lattice/invocation_exchange.h"
#include "lattice/invocation_seal.h"
#include "lattice/subjects.h"
#include "runtime/core.h"
#include "runtime/per_core.h"

namespace trellis::host {

class RemoteCalls {
 public:
  RemoteCalls(runtime::Cores& cores, lattice::Bus& bus, const lattice::Subjects& subjects,
              const Identity& identity, lattice::InvocationSeal& seal, const Peers& peers,
              lattice::LargeMessages& large);

  // Errors: not_found (nobody serves the target), unavailable (the bus is away: says why), timeout,
  // invalid (the callee's own error text).
  runtime::Task<Bytes> call(lattice::Entity origin, lattice::Entity target, std::string operation,
                            Bytes payload, runtime::Deadline deadline, std::uint32_t depth);

  const std::shared_ptr<runtime::PerCore<InvocationCells>>& cells() const { return cells_; }

 private:
  using Clock = std::chrono::steady_clock;
  // Targets that nobody serves who knows the seal, on one core: by subject, until when.
  using Unsealed = boost::unordered_flat_map<std::string, Clock::time_point>;

  // Gives the invocation its proof, and sends it; anew with another where the first was not known.
  runtime::Task<Bytes> prove_and_send(std::string subject, lattice::Invocation& invocation,
                                      runtime::Deadline deadline);
  bool takes_seal(const std::string& subject, const lattice::Invocation& invocation);
  void needs_signature(const std::string& subject);
  runtime::Task<Bytes> send(std::string subject, const lattice::Invocation& invocation,
                            runtime::Deadline deadline);

  runtime::Cores& cores_;
  const lattice::Subjects& subjects_;
  const Identity& identity_;
  lattice::InvocationSeal& seal_;
  const Peers& peers_;
  lattice::InvocationExchange exchange_;
  std::vector<Unsealed> unsealed_;  // by core
  const std::shared_ptr<runtime::PerCore<InvocationCells>> cells_;
};

}  // namespace trellis::host
