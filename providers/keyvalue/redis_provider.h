// The wasmcloud:keyvalue provider over Redis, under the name it had in 2022: kvredis. Every core
// has a connection of its own to each Redis that a link names; calls of actors linked to the same
// one share it. Keys are not prefixed: actors linked to the same database see the same keys, as in
// 2022.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "capability/provider.h"

namespace trellis::keyvalue {

inline constexpr std::string_view kRedisPublicKey =
    "VAZVC4RX54J2NVCMCW7BPCAHGGG5XZXDBXFUMDUXGESTMQEJLC3YVZWB";

class RedisClient;

// Core 0, but for handle().
class RedisProvider final : public capability::Provider {
 public:
  explicit RedisProvider(capability::ProviderContext context);
  ~RedisProvider() override;

  // Fails when Redis cannot be reached or refuses; calls over that link try again all the same.
  runtime::Task<void> link_put(lattice::Link link) override;
  std::string warning_about(const lattice::Link& link) const override;
  runtime::Task<void> link_delete(lattice::Link link) override;
  runtime::Task<Bytes> handle(const lattice::Link& link, std::string_view operation,
                              BytesView payload, runtime::Deadline deadline) override;
  runtime::Task<void> health() override;
  runtime::Task<void> stop(runtime::Deadline deadline) override;

 private:
  struct PerCore {
    std::map<std::string, std::shared_ptr<RedisClient>, std::less<>> clients;  // by URL
    bool stopped = false;
  };
  // The value of the link, the provider's configuration, or the default of 2022.
  Result<std::string_view> url_of(const lattice::Link& link) const;
  Result<std::shared_ptr<RedisClient>> client_here(std::string_view url);
  runtime::Task<void> forget(std::string actor_id);
  runtime::Task<void> close_here(std::string url);
  runtime::Task<void> stop_here();

  const capability::ProviderContext context_;
  const Result<std::string> default_url_;
  std::map<std::string, std::string> url_of_actor_;
  std::vector<PerCore> per_core_;  // each element is its core's
};

}  // namespace trellis::keyvalue
