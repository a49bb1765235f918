// Asks the lattice's configuration service, once, what this host should start (docs/protocol.md
// §9.3): providers, then actors, one of each, after the credentials for their registries were
// taken. Made by Host when WASMCLOUD_CONFIG_SERVICE says so; core 0. The host does not wait for it:
// it is ready before, and a service that is silent, or whose entries are wrong, is a line in the
// log.
#pragma once

#include <memory>

#include "host/actor_table.h"
#include "host/config_reply.h"
#include "host/parts.h"
#include "host/provider_table.h"

namespace trellis::host {

class ConfigService {
 public:
  ConfigService(Parts& parts, ActorTable& actors, ProviderTable& providers);
  ~ConfigService();  // run() has ended

  // A service may come after the host: on a bus that knows who listens, which the embedded one
  // does, it is asked when it comes. Ends when there was an answer, or when told to.
  runtime::Task<void> run();

 private:
  struct Arrival;
  runtime::Task<ConfigReply> ask();
  runtime::Task<void> start(ConfigReply reply);

  Parts& parts_;
  ActorTable& actors_;
  ProviderTable& providers_;
  const std::string subject_;
  const std::shared_ptr<Arrival> arrival_;  // the bus keeps it too
};

}  // namespace trellis::host
