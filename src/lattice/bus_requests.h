// Requests of this process: gives each an inbox of its own under one prefix and wakes who waits for
// the answer. Owned by EmbeddedBus; core 0; not thread-safe. Closing it ends all requests with
// `unavailable`.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "lattice/bus_router.h"
#include "runtime/core.h"

namespace trellis::lattice {

class BusRequests {
 public:
  static Result<std::unique_ptr<BusRequests>> start(std::shared_ptr<BusRouter> router);
  ~BusRequests();

  runtime::Task<Message> request(Message message, runtime::Deadline deadline);
  runtime::Task<std::vector<Message>> collect(Message message, runtime::Deadline deadline);
  void close();

  static constexpr std::size_t kCollectedMax = 10'000;

 private:
  struct Table;
  explicit BusRequests(std::shared_ptr<Table> table);
  std::shared_ptr<Table> table_;  // shared with the requests that wait
  Subscription inbox_;
};

}  // namespace trellis::lattice
