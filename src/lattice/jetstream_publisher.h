// Publishes many messages to a stream of JetStream, in order, without waiting for the answer to
// each one before the next is sent: so many bytes may be on their way. Used by JetStreamState and
// ChunkStore, for one batch; core 0. The bus outlives it.
#pragma once

#include <cstddef>
#include <memory>

#include "base/units.h"
#include "lattice/jetstream.h"

namespace trellis::lattice {

class JetStreamPublisher {
 public:
  // What to do when the stream refuses a message: because its condition does not hold
  // (Nats-Expected-…), for one.
  enum class Refusals { fail, pass };
  static Result<std::unique_ptr<JetStreamPublisher>> open(const JetStream& jetstream,
                                                          Refusals refusals);

  // Waits until there is room. Errors: of this message or of one before it (jetstream.h).
  runtime::Task<void> publish(Message message);
  // Ends when the stream has them all.
  runtime::Task<void> finish();
  // Ends when all are answered, however: nothing of the batch comes to the stream after that.
  runtime::Task<void> settle() { return wait_for_room(0); }

  static constexpr std::size_t kUnansweredBytesMax = 4_MiB;

 private:
  struct Answers;
  JetStreamPublisher(const JetStream& jetstream, std::shared_ptr<Answers> answers)
      : bus_(jetstream.bus()), timeout_(jetstream.timeout()), answers_(std::move(answers)) {}
  runtime::Task<void> wait_for_room(std::size_t unanswered_max);

  Bus& bus_;
  const std::chrono::milliseconds timeout_;
  std::shared_ptr<Answers> answers_;
};

}  // namespace trellis::lattice
