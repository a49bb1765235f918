// The wasmcloud:keyvalue provider for one machine: stores in files of the host's data folder, which
// survive a restart. Actors whose links name the same store see the same keys, as with a Redis.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "capability/provider.h"

namespace trellis::keyvalue {

inline constexpr std::string_view kEmbeddedPublicKey =
    "VDTNJTHEYRDYH34NIKJSZGFXADGK3MYTBL3BHZGBGF673WPURMNVLYLD";

class StoreQueue;
struct StoreThread;

// Core 0, but for handle().
class EmbeddedProvider final : public capability::Provider {
 public:
  explicit EmbeddedProvider(capability::ProviderContext context);
  ~EmbeddedProvider() override;

  // Opens the store, which makes it if need be.
  runtime::Task<void> link_put(lattice::Link link) override;
  std::string warning_about(const lattice::Link& link) const override;
  runtime::Task<void> link_delete(lattice::Link link) override;
  runtime::Task<Bytes> handle(const lattice::Link& link, std::string_view operation,
                              BytesView payload, runtime::Deadline deadline) override;
  runtime::Task<void> health() override;
  runtime::Task<void> stop(runtime::Deadline deadline) override;

 private:
  using Queues = std::map<std::string, std::shared_ptr<StoreQueue>, std::less<>>;  // by store
  runtime::Task<std::shared_ptr<StoreThread>> open(std::string store);
  runtime::Task<void> add_here(std::string store, std::shared_ptr<StoreThread> thread);
  runtime::Task<void> remove_here(std::string store);
  runtime::Task<void> close_unused();

  const capability::ProviderContext context_;
  std::map<std::string, std::string> store_of_actor_;
  std::map<std::string, std::shared_ptr<StoreThread>> open_;  // by store
  std::vector<Queues> per_core_;                              // each element is its core's
};

}  // namespace trellis::keyvalue
