// An EmbeddedStore as a core sees it: calls wait for the disk without holding the core up. A thread
// of the store's own carries them out; what comes in meanwhile goes together with the next commit
// (one wait for the disk for all). Belongs to one core; the queues of several cores share one
// store.
#pragma once

#include <memory>
#include <string_view>

#include "keyvalue/embedded_store.h"
#include "runtime/core.h"
#include "runtime/offload.h"

namespace trellis::keyvalue {

// The store and its thread. Made on any core.
struct StoreThread {
  std::unique_ptr<EmbeddedStore> store;
  runtime::Offload disk{1, 1'024};
};

class StoreQueue {
 public:
  explicit StoreQueue(std::shared_ptr<StoreThread> thread);  // lives as long as its calls

  // Ends when the change is on disk. Errors: those of the operation and of the store; exhausted
  // when too much waits; timeout and cancelled, after which the change may still be made.
  runtime::Task<Bytes> call(std::string_view operation, BytesView payload,
                            runtime::Deadline deadline);

 private:
  struct Shared;
  struct Waiting;
  static runtime::Task<void> run(std::shared_ptr<Shared> shared);
  const std::shared_ptr<Shared> shared_;
};

}  // namespace trellis::keyvalue
