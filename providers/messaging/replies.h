// Requests that wait for their answers: each core has its own, and an answer's subject says whose
// it is
// (<inbox>.<core>-<number>). Shared by a NatsClient and the thread on which answers come.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "messaging/nats_client.h"
#include "runtime/parking.h"

namespace trellis::messaging {

class NatsClient::Replies : public std::enable_shared_from_this<Replies> {
 public:
  Replies(runtime::Cores& cores, std::string inbox);

  std::string pattern() const { return inbox_ + ".*"; }

  // On any core: a question's place; lies in the frame of who waits.
  class Place {
   public:
    explicit Place(Replies& replies);
    ~Place();
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;
    std::string subject() const;
    // The answer; null when none came until the deadline or the wait was cancelled.
    runtime::Task<NatsMessage> wait(runtime::Deadline deadline);

   private:
    friend class Replies;
    Replies& replies_;
    const unsigned core_;
    const std::uint64_t number_;
    runtime::Parking answered_;
    NatsMessage answer_;
  };

  bool full_here() const;
  void take(NatsMessage message);  // on a thread of libnats'

 private:
  struct PerCore {
    std::unordered_map<std::uint64_t, Place*> waiting;
    std::uint64_t next = 0;
  };
  void deliver(std::uint64_t number, NatsMessage message);

  runtime::Cores& cores_;
  const std::string inbox_;
  std::vector<PerCore> per_core_;  // each element is its core's
};

}  // namespace trellis::messaging
