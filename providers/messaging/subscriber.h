// A subscription's way to the actor: each message becomes a call, on the cores in turn, so many at
// once and no more; what comes beyond waits in libnats, which loses the newest when it has too
// much. Shared by the link and the calls under way. Messages are handled side by side: their order
// is not kept.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <semaphore>
#include <string>

#include "base/limits.h"
#include "capability/provider.h"
#include "messaging/nats_client.h"

namespace trellis::messaging {

class Subscriber : public std::enable_shared_from_this<Subscriber> {
 public:
  Subscriber(runtime::Cores& cores, capability::Actors& actors, std::string actor_id,
             std::chrono::milliseconds timeout);

  // On a thread of libnats', which is held up while too many calls are under way.
  void take(NatsMessage message);

  // On any core. From here on messages are let go; drained() when the calls under way have ended.
  void close() { closing_ = true; }
  bool drained() const { return under_way_ == 0; }

 private:
  static runtime::Task<void> deliver(std::shared_ptr<Subscriber> self, NatsMessage message);

  runtime::Cores& cores_;
  capability::Actors& actors_;
  const std::string actor_id_;
  const std::chrono::milliseconds timeout_;
  // Between libnats' thread and the cores.
  std::counting_semaphore<limits::kMessagingDeliveriesMax> places_{limits::kMessagingDeliveriesMax};
  std::atomic<unsigned> next_core_{0};
  std::atomic<int> under_way_{0};
  std::atomic<bool> closing_{false};
};

}  // namespace trellis::messaging
