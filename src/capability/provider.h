// What a capability provider is: links come in, invocations go both ways. It does not know which
// process it runs in.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/http_cells.h"
#include "lattice/link.h"
#include "runtime/core.h"
#include "runtime/per_core.h"

namespace trellis::capability {

// How a provider calls the actors linked to it. Any core; the call runs on the core it is made
// from.
class Actors {
 public:
  virtual ~Actors() = default;
  // Errors: not_found (not running anywhere), denied (no claim for the contract), timeout,
  // exhausted (too many calls waiting: HTTP 503 with Retry-After), trapped, invalid (the actor's
  // own error text).
  virtual runtime::Task<Bytes> call(std::string_view actor_id, std::string_view operation,
                                    BytesView payload, runtime::Deadline deadline) = 0;
};

struct ProviderInfo {
  std::string public_key;  // V…
  std::string contract_id;
  std::string name, vendor, version;
  std::int32_t revision = 0;
};

// The lattice's own NATS, which a provider may use as well.
struct BusAccess {
  std::string url{};          // nats://host:port or tls://host:port; "": there is none
  std::string jwt{}, seed{};  // a seed alone is an nkey; both "": nobody in particular
  std::string ca_file{}, cert_file{}, key_file{};  // of TLS; "": the system's, none
};

struct ProviderContext {
  runtime::Cores& cores;
  Actors& actors;
  std::string link_name;
  std::string config_json;  // from `start provider --config-json`, "" if none
  std::chrono::milliseconds rpc_timeout;
  // The provider's own folder, for what survives a restart; may not exist yet.
  std::string data_dir;
  BusAccess bus;
};

// An address that a link opened, and what it counts.
struct HttpListener {
  std::string actor_id, address;
  std::shared_ptr<runtime::PerCore<HttpCells>> cells;
};

class Provider {
 public:
  virtual ~Provider() = default;  // stop() has been awaited

  // Core 0. A link for an actor: new, or the same (actor, link name) with other values, which
  // replaces it. The error says why it cannot work ("cannot listen on 0.0.0.0:8080: address already
  // in use"); the link is then kept as failed with that reason and the others work on.
  virtual runtime::Task<void> link_put(lattice::Link link) = 0;
  virtual runtime::Task<void> link_delete(lattice::Link link) = 0;
  // Core 0, after link_put() succeeded. What whoever put this link should know though it works,
  // such as values that mean nothing; "" for nothing. Shown as the reason of the active link.
  virtual std::string warning_about(const lattice::Link&) const { return {}; }

  // Any core. An actor that is linked (checked by the host) calls. Unknown operations → not_found
  // with "method not handled <op>".
  virtual runtime::Task<Bytes> handle(const lattice::Link& link, std::string_view operation,
                                      BytesView payload, runtime::Deadline deadline) = 0;

  // Core 0. Those that are open now, for whoever collects their numbers.
  virtual std::vector<HttpListener> http_listeners() const { return {}; }

  // Core 0. ok, or what is wrong.
  virtual runtime::Task<void> health() = 0;
  // Core 0. stop() follows in a while: who comes is asked to go elsewhere the next time. Everything
  // is served until then.
  virtual runtime::Task<void> prepare_stop() { co_return Result<void>{}; }
  // Core 0. Everything in flight is answered (until the deadline), ports are free, nothing runs on.
  virtual runtime::Task<void> stop(runtime::Deadline deadline) = 0;
};

}  // namespace trellis::capability
