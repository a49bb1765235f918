// The lattice's state where hosts share a NATS server that has no JetStream: each keeps its own in
// a file, tells the others what changes, on the subjects that hosts of 2022 publish on too
// (docs/protocol.md §8.1), and takes over what they say. What was said while a host was not
// listening it does not know, and two hosts that change one record at once may end with different
// ones. Made by open_lattice_state(). Core 0; the bus outlives it.
#pragma once

#include <memory>
#include <string>

#include "lattice/bus.h"
#include "lattice/journal_state.h"
#include "lattice/subjects.h"
#include "runtime/task_group.h"

namespace trellis::lattice {

class BroadcastState final : public JournalState {
 public:
  // `why`: there is no JetStream, for describe().
  BroadcastState(Bus& bus, Subjects subjects, Observer observer, Error why);
  // Once, first; State::open() says how it fails. Blocks.
  Result<void> open(std::string file);

  runtime::Task<void> stop() override;
  std::string describe() const override;

 private:
  void made_here(const StateRecord& record) override;
  void hear(const Message& message);
  runtime::Task<void> take_over(StateRecord record);

  Bus& bus_;
  const Subjects subjects_;
  const Error why_;
  const std::string self_;  // marks what this host publishes
  Subscription subscription_;
  runtime::TaskGroup tasks_;
};

}  // namespace trellis::lattice
