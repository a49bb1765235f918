// The wasmcloud:httpserver provider: a link opens a listener, its requests go to the linked actor,
// the actor's answer goes back. One listener per linked actor, on every core. Created by
// builtin/builtin_providers.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "capability/provider.h"
#include "httpserver/settings.h"
#include "runtime/task_group.h"

namespace trellis::httpserver {

inline constexpr std::string_view kPublicKey =
    "VAG3QITQQ2ODAOWB5TTQSDJ53XK3SHBEIFNK4AYJ5RKAX2UNSCAPHA5M";

class Listener;

// Core 0, but for the requests, which live on the core that accepted them.
class HttpProvider final : public capability::Provider {
 public:
  explicit HttpProvider(capability::ProviderContext context);
  ~HttpProvider() override;

  runtime::Task<void> link_put(lattice::Link link) override;
  runtime::Task<void> link_delete(lattice::Link link) override;
  std::string warning_about(const lattice::Link& link) const override;
  runtime::Task<Bytes> handle(const lattice::Link& link, std::string_view operation,
                              BytesView payload, runtime::Deadline deadline) override;
  std::vector<capability::HttpListener> http_listeners() const override;
  runtime::Task<void> health() override;
  runtime::Task<void> prepare_stop() override;
  runtime::Task<void> stop(runtime::Deadline deadline) override;

 private:
  runtime::Task<void> close(std::string actor_id, runtime::Deadline deadline);

  static runtime::Task<void> drain(std::unique_ptr<Listener> listener, runtime::Deadline deadline);

  capability::ProviderContext context_;
  std::map<std::string, std::unique_ptr<Listener>> listeners_;  // by actor
  bool leaving_ = false;
  runtime::TaskGroup draining_;  // listeners that are closed but for requests in flight
};

}  // namespace trellis::httpserver
