// Bodies too large for one message of the bus: put into the lattice's object store under a name
// that both sides know, and taken out of it (lattice/chunk_store.h). Used by InvocationExchange.
// Core 0, but for what says otherwise.
#pragma once

#include <memory>
#include <string>

#include "base/units.h"
#include "lattice/chunk_store.h"
#include "runtime/task_group.h"

namespace trellis::lattice {

class LargeMessages {
 public:
  // `lattice`: whose object store is used; "" where the bus has none, and refuses what it cannot
  // carry. The tasks and the bus outlive this.
  LargeMessages(runtime::TaskGroup& tasks, Bus& bus, const std::string& lattice);

  static constexpr std::size_t kBodyBytesMax = 64_MiB;
  // Whether a body goes this way. Any core.
  bool is_large_request(std::size_t bytes) const;
  bool is_large_response(std::size_t bytes) const;

  // Errors: those of ChunkStore, as a sentence about the body; exhausted (too large).
  runtime::Task<void> put(std::string name, Bytes body, runtime::Deadline deadline);
  // The body of `size` bytes, which is then removed from the store.
  runtime::Task<Bytes> take(std::string name, std::uint64_t size, runtime::Deadline deadline);

 private:
  runtime::TaskGroup& tasks_;
  const std::unique_ptr<ChunkStore> store_;
  const std::size_t payload_bytes_max_;  // of a message on the bus
};

}  // namespace trellis::lattice
