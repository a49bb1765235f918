// An invocation and its answer over the bus; what is too large for one message goes ahead of it,
// through the lattice's object store (docs/protocol.md §3.6). Both sides of it: who calls, and who
// is called. Used by hosts and by providers in a process of their own. Core 0; what it is made with
// outlives it.
#pragma once

#include <string>
#include <string_view>

#include "lattice/bus.h"
#include "lattice/invocation.h"
#include "lattice/large_messages.h"
#include "runtime/task.h"

namespace trellis::lattice {

class InvocationExchange {
 public:
  InvocationExchange(Bus& bus, LargeMessages& large) : bus_(bus), large_(large) {}

  // Whether a body goes apart from its message. Any core.
  bool is_large_request(std::size_t bytes) const { return large_.is_large_request(bytes); }

  // Sends an encoded invocation and waits for the answer to it. A large body is not in `message`
  // but in `body`. Errors: not_found (nobody serves the subject), invalid (the callee's own error
  // text), corrupt (its answer was lost), and those of the bus.
  runtime::Task<Bytes> call(std::string subject, Bytes message, Bytes body, std::string id,
                            runtime::Deadline deadline);

  // Checks an invocation that arrived on `subject`, and fetches its body if it came apart: only for
  // who has proved to be of this cluster. Errors: those of the verifier; of the store.
  runtime::Task<void> authenticate(InvocationVerifier& verifier, Invocation& invocation,
                                   std::string_view subject, runtime::Deadline deadline);

  // What cannot be sent is answered with an error that says so.
  runtime::Task<void> answer(std::string to, InvocationResponse response,
                             runtime::Deadline deadline);

 private:
  runtime::Task<void> send(std::string to, InvocationResponse response, runtime::Deadline deadline);

  Bus& bus_;
  LargeMessages& large_;
};

}  // namespace trellis::lattice
