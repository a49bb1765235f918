// The actors of this host: which run, from which reference, how many, with which annotations.
// Carries out start, scale, stop and live update, and tells the lattice. Core 0; changes to the
// table are made one at a time, fetching and compiling go on side by side.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "control/messages.h"
#include "host/delivery.h"
#include "host/parts.h"
#include "host/scale_order.h"
#include "runtime/admission.h"

namespace trellis::host {

class ActorTable {
 public:
  ActorTable(Parts& parts, Delivery& delivery);

  // Errors carry the 2022 texts; the matching event has been published when they return.
  runtime::Task<void> start(control::StartActor request);
  // The same without a word to the log or the lattice when it fails; the key of the actor.
  runtime::Task<std::string> try_start(control::StartActor request);
  runtime::Task<void> scale(control::ScaleActor request);
  runtime::Task<void> stop(control::StopActor request);
  runtime::Task<void> update(control::UpdateActor request);
  // From bytes that came with the request (dashboard), not from a reference. The key of the actor.
  runtime::Task<std::string> start_bytes(Bytes wasm, std::string shown_reference,
                                         std::uint16_t count);
  runtime::Task<void> stop_all();

  std::vector<control::ActorDescription> describe() const;
  std::vector<lattice::HeartbeatActor> heartbeat() const;

  struct Numbers {  // for host/metrics.h
    std::string key, name;
    std::shared_ptr<runtime::PerCore<ActorCells>> cells;
  };
  std::vector<Numbers> numbers() const;

  bool running(const std::string& actor_key) const { return actors_.contains(actor_key); }
  // Of the actor that runs from this reference; not_found.
  Result<std::string> key_from(const std::string& reference) const;
  // No more calls from the bus; those on their way still come.
  void leave_bus();
  const claims::ActorClaims* claims(const std::string& actor_key) const;  // null: not running

 private:
  struct Loaded {  // an artifact that has passed every check and is compiled
    std::string reference, digest;
    std::string token;  // its signed claims, as they stand in the file
    std::shared_ptr<const claims::ActorClaims> claims;
    std::shared_ptr<const engine::Module> module;
  };
  struct Actor {
    Loaded loaded;
    engine::InstanceMode mode = engine::InstanceMode::fresh;
    std::vector<control::ActorInstance> instances;
    std::shared_ptr<runtime::PerCore<ActorCells>> cells;
    lattice::Subscription subscription;
  };

  runtime::Task<Loaded> load(std::string reference);
  runtime::Task<Loaded> load_bytes(Bytes wasm, std::string reference, std::string digest);
  runtime::Task<void> scale_to(control::ScaleActor request);
  runtime::Task<void> ask_policy(const claims::ActorClaims& actor);
  // The caller holds the turn of these three.
  runtime::Task<void> add(Loaded loaded, std::size_t count, control::StringMap annotations);
  runtime::Task<void> remove(std::string key, std::size_t count, control::StringMap annotations);
  runtime::Task<void> resize(control::ScaleActor request, std::optional<Loaded> loaded);

  runtime::Task<runtime::Admission::Ticket> my_turn();
  runtime::Task<void> install(const Actor& actor);
  runtime::Task<void> resize_reuse(const std::string& key);
  runtime::Task<void> replace(std::string key, Loaded loaded);
  void remember(const Loaded& loaded);
  runtime::Task<void> store(lattice::ClaimsRecord record, std::string reference);
  Result<void> check_same_code(const Loaded& loaded) const;
  std::string how_to_replace(const Loaded& running, const Loaded& wanted) const;
  engine::InstanceMode mode_of(const Loaded& loaded, const control::StringMap& annotations) const;
  std::uint32_t reuse_per_core(std::size_t instances) const;
  void publish_started(const Actor& actor, const control::ActorInstance& instance);

  Parts& parts_;
  Delivery& delivery_;
  runtime::Admission turn_;  // one change at a time
  ScaleOrder scales_;
  std::map<std::string, Actor> actors_;
};

}  // namespace trellis::host
