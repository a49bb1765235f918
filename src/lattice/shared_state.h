// The lattice's state when hosts share a NATS server: one function for the host to call. Where the
// server has JetStream the state lives there, in the stream that hosts of 2022 use
// (docs/protocol.md §8.1), and all hosts see the same (jetstream_state.h). Where it has none, each
// host keeps its own file and hears what the others change while it runs (broadcast_state.h); which
// of the two it is, and what the second lacks, is said in the log.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "lattice/bus.h"
#include "lattice/state.h"

namespace trellis::lattice {

struct SharedStateOptions {
  std::string prefix = "default";  // of the lattice
  std::string domain{};            // of JetStream; "" for the server's own
  std::string journal_file{};      // where there is no JetStream; "" for memory
  State::Observer observer{};
  std::function<bool()> connected = [] { return true; };  // whether the bus is, now
  std::chrono::milliseconds timeout{5'000};               // one request to JetStream
  std::chrono::milliseconds patience{10'000};  // for a JetStream that is only just starting
  std::chrono::milliseconds heartbeat{5'000};  // three of them missed: synchronises again
};

// What the lattice remembers is there when the task ends. State::resync() is to be called when the
// bus has found its server again, State::stop() before the bus goes. Errors: invalid (the prefix),
// those of State::open() for the file.
runtime::Task<std::unique_ptr<State>> open_lattice_state(Bus& bus, SharedStateOptions options);

}  // namespace trellis::lattice
