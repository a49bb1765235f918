// That a host's key is its own in the lattice: two hosts with one key would both take each command
// for it. A host that starts says so to those that have the key, and a run that has it already, or
// starts as well and drew the higher lot, keeps it. Hosts of 2022 know nothing of this: they are
// found by their answer to a ping. Used by Host; core 0.
#pragma once

#include <string>

#include "lattice/bus.h"
#include "lattice/subjects.h"
#include "runtime/task.h"

namespace trellis::host {

class KeyClaim {
 public:
  // `lot`: of this run, not the same as another's.
  KeyClaim(lattice::Bus& bus, const lattice::Subjects& subjects, std::string host_key,
           std::string lot)
      : bus_(bus), subject_(subjects.ctl("key." + host_key)), lot_(std::move(lot)) {}

  // Whether the key is ours now; if so it is kept until the claim goes. Errors: those of the bus.
  runtime::Task<bool> make();

 private:
  lattice::Bus& bus_;
  const std::string subject_;
  std::string lot_;
  bool lost_ = false;
  lattice::Subscription subscription_;
};

}  // namespace trellis::host
