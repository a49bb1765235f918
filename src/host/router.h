// The way of every call inside a host: to an actor on this core, to a provider in this process, or
// out over the bus. Claims, links and the policy, where there is one, are checked here, on every
// path, before anything runs. One router; its state is a map per core, changed only from that core
// (the control plane posts to each), so a call takes no lock.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "capability/provider.h"
#include "host/call_events.h"
#include "host/local_actor.h"
#include "host/policy.h"
#include "host/remote_calls.h"
#include "host/routing_table.h"

namespace trellis::host {

class Router {
 public:
  struct Options {
    std::string lattice;
    std::chrono::milliseconds rpc_timeout;
  };
  // `policy` is null when nobody is to be asked.
  Router(runtime::Cores& cores, engine::Engine& engine, RemoteCalls& remote, CallEvents& events,
         Policy* policy, Options options);
  ~Router();

  // --- data plane: any core
  // --------------------------------------------------------------------------- `origin` (a
  // provider, or another actor over the bus) calls an actor. Checks that the actor claims the
  // origin's contract; goes over the bus when the actor does not run here.
  runtime::Task<Bytes> call_actor(const lattice::Entity& origin, std::string_view actor_key,
                                  std::string_view operation, BytesView payload,
                                  runtime::Deadline deadline, std::uint32_t depth);
  // The same for an invocation that came over the bus: it must be served here or not at all.
  runtime::Task<Bytes> call_local_actor(const lattice::Entity& origin, std::string_view actor_key,
                                        std::string_view operation, BytesView payload,
                                        runtime::Deadline deadline, std::uint32_t depth);

  struct GuestRequest {
    std::string_view binding, target, operation;  // target: contract id, actor key or call alias
    BytesView payload;
  };
  // What `caller`'s guest asked by __host_call. The order of docs/protocol.md §2.1: builtin, link,
  // actor key, alias.
  runtime::Task<Bytes> call_from_actor(LocalActor& caller, GuestRequest request,
                                       runtime::Deadline deadline, std::uint32_t depth);

  // --- control plane: core 0 ---
  runtime::Task<void> install(ActorProgram program,
                              std::uint32_t reuse_max);  // replaces; running calls finish
  runtime::Task<void> set_reuse_max(std::string actor_key, std::uint32_t count);
  runtime::Task<void> remove(std::string actor_key);
  runtime::Task<void> set_table(std::shared_ptr<const RoutingTable> table);

 private:
  struct PerCore {
    TextMap<std::shared_ptr<LocalActor>> actors;
    std::shared_ptr<const RoutingTable> table;
  };

  PerCore& here();
  std::shared_ptr<LocalActor> find_here(std::string_view actor_key);
  runtime::Task<Bytes> run(std::shared_ptr<LocalActor> actor, const lattice::Entity& origin,
                           std::string_view operation, BytesView payload,
                           runtime::Deadline deadline, std::uint32_t depth);
  std::chrono::milliseconds patience_for(std::size_t payload_bytes) const;
  runtime::Task<Bytes> call_provider(LocalActor& caller, const RoutedLink& link,
                                     const GuestRequest& request, runtime::Deadline deadline,
                                     std::uint32_t depth);

  runtime::Cores& cores_;
  engine::Engine& engine_;
  RemoteCalls& remote_;
  CallEvents& events_;
  Policy* const policy_;
  const Options options_;
  std::vector<PerCore> per_core_;
};

}  // namespace trellis::host
