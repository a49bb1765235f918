// Calls that leave this process: signed as invocations, sent over the bus, answered or failed by
// the deadline. Any core; the bus lives on core 0, so a call hops there and back.
#pragma once

#include <string>

#include "host/identity.h"
#include "lattice/bus.h"
#include "lattice/invocation.h"
#include "lattice/subjects.h"
#include "runtime/core.h"

namespace trellis::host {

class RemoteCalls {
 public:
  RemoteCalls(runtime::Cores& cores, lattice::Bus& bus, const lattice::Subjects& subjects,
              const Identity& identity);

  // Errors: unavailable (nobody serves the target), timeout, invalid (the callee's own error text).
  runtime::Task<Bytes> call(lattice::Entity origin, lattice::Entity target, std::string operation,
                            Bytes payload, runtime::Deadline deadline);

 private:
  runtime::Task<Bytes> send(lattice::Invocation invocation, std::string subject,
                            runtime::Deadline deadline);

  runtime::Cores& cores_;
  lattice::Bus& bus_;
  const lattice::Subjects& subjects_;
  const Identity& identity_;
};

}  // namespace trellis::host
