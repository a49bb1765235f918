// Bodies too large for one message of the bus: put into the lattice's object store under a name
// that both sides know, and taken out of it (docs/protocol.md §3.6). Used by RemoteCalls for
// requests and by Delivery for answers; core 0.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/units.h"
#include "lattice/chunk_store.h"

namespace trellis::host {

class LargeMessages {
 public:
  // `store` null: this host's own bus, which has none.
  explicit LargeMessages(std::unique_ptr<lattice::ChunkStore> store) : store_(std::move(store)) {}

  static constexpr std::size_t kBodyBytesMax = 64_MiB;
  // Whether a body of this size goes this way: the thresholds of 2022. Without a store none does,
  // and the bus refuses what it cannot carry. Any core.
  bool is_large_request(std::size_t bytes) const { return store_ && bytes > 700_KiB; }
  bool is_large_response(std::size_t bytes) const { return store_ && bytes > 900_KiB; }
  static std::string response_name(std::string_view invocation_id) {
    return std::string(invocation_id) + "-r";
  }

  // Errors: exhausted (too large; the bus has no store for it: says what is missing).
  runtime::Task<void> put(std::string name, Bytes body, runtime::Deadline deadline);
  // The body of `size` bytes, which is then gone from the store.
  runtime::Task<Bytes> take(std::string name, std::uint64_t size, runtime::Deadline deadline);

 private:
  std::unique_ptr<lattice::ChunkStore> store_;
};

}  // namespace trellis::host
