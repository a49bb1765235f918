// An actor on one core: its instances, its place in the queue, and what its guest code asks of the
// world. Owned by Router's map of that core and by the calls that run in it; never leaves the core.
#pragma once

#include <memory>
#include <string>

#include "claims/claims.h"
#include "engine/engine.h"
#include "host/actor_cells.h"
#include "runtime/admission.h"
#include "runtime/per_core.h"

namespace trellis::host {

class Router;

// What it takes to run an actor. Immutable; shared by the cores.
struct ActorProgram {
  std::string key;  // M…
  std::shared_ptr<const engine::Module> module;
  std::shared_ptr<const claims::ActorClaims> claims;
  engine::InstanceMode mode = engine::InstanceMode::fresh;
  std::size_t memory_bytes_max = limits::kGuestMemoryBytesMax;
  std::uint32_t calls_max = limits::kActorCallsMax;  // on one core
  std::uint32_t calls_queued_max = limits::kActorCallsQueuedMax;
  // Counts its calls and what its guests use; stays when the actor is updated.
  std::shared_ptr<runtime::PerCore<ActorCells>> cells;
};

class LocalActor final : public engine::HostCalls {
 public:
  LocalActor(Router& router, engine::Engine& engine, ActorProgram program, std::uint32_t reuse_max);

  // Of this core. Calls are counted by the router, which knows how they ended.
  ActorCells& cells() { return cells_; }

  // Admits and runs one call. The caller keeps this object alive until the task ends.
  runtime::Task<Bytes> call(std::string_view operation, BytesView payload,
                            runtime::Deadline deadline, std::uint32_t depth);

  const ActorProgram& program() const { return program_; }
  void set_reuse_max(std::uint32_t count) { pool_->set_reuse_max(count); }

  runtime::Task<Bytes> host_call(std::string_view binding, std::string_view contract_or_actor,
                                 std::string_view operation, BytesView payload,
                                 runtime::Deadline deadline, std::uint32_t depth) override;
  void guest_log(std::string_view line) override;

 private:
  Router& router_;
  const ActorProgram program_;
  ActorCells& cells_;  // of program_, on this core
  runtime::Admission admission_;
  std::unique_ptr<engine::InstancePool> pool_;
};

}  // namespace trellis::host
