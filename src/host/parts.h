// What the pieces of a host share, so that each is told once. References to things that Host owns
// and that outlive the pieces. Core 0, but for what says otherwise.
#pragma once

#include "artifact/resolver.h"
#include "engine/engine.h"
#include "host/config.h"
#include "host/host_bus.h"
#include "host/identity.h"
#include "host/router.h"
#include "lattice/bus.h"
#include "lattice/events.h"
#include "lattice/state.h"
#include "lattice/subjects.h"
#include "registry/credentials.h"
#include "runtime/offload.h"
#include "runtime/task_group.h"

namespace trellis::host {

// Events of the lattice go out here.
class EventSink {
 public:
  EventSink(lattice::Bus& bus, const lattice::Subjects& subjects, std::string host_key)
      : make(std::move(host_key)), bus_(bus), subjects_(subjects) {}

  const lattice::Events make;
  void publish(const codec::CloudEvent& event);             // wasmbus.evt
  void publish_invocation(const codec::CloudEvent& event);  // wasmbus.rpcevt
  // How many were lost since the last look, because the bus was away.
  std::uint64_t take_lost() { return std::exchange(lost_, 0); }
  std::uint64_t dropped() const { return dropped_; }  // since the start, for whatever reason

 private:
  void send(std::string subject, const codec::CloudEvent& event);
  lattice::Bus& bus_;
  const lattice::Subjects& subjects_;
  std::uint64_t lost_ = 0, dropped_ = 0;
};

struct Parts {
  const Config& config;
  const Identity& identity;
  runtime::Cores& cores;
  runtime::Offload& offload;
  runtime::Offload&
      pulls;  // for fetching artifacts alone: a slow registry must not hold up the rest
  runtime::Offload& spawner;  // one thread, as old as the host: starts what must end with it
  runtime::TaskGroup& tasks;  // what runs until the host stops
  artifact::Resolver& resolver;
  registry::Credentials& credentials;
  engine::Engine& engine;
  lattice::Bus& bus;          // calls, providers
  lattice::Bus& control_bus;  // the control interface, events; may be the same
  const ProviderBus& provider_bus;
  lattice::State& state;
  const lattice::Subjects& subjects;
  EventSink& events;
  Policy* policy;  // null when nobody is to be asked
  Router& router;
};

}  // namespace trellis::host
