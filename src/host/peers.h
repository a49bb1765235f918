// The other hosts of the lattice: whether all of them can read sealed invocations
// (lattice/invocation_seal.h), and which of them runs a provider. Known from their heartbeats; a
// host that has not been heard of for a while is gone. Made on core 0 and kept there; the answer is
// read on any core.
#pragma once

#include <atomic>
#include <chrono>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "codec/cloud_event.h"
#include "lattice/bus.h"
#include "lattice/subjects.h"

namespace trellis::host {

class Peers {
 public:
  Peers(std::string own_key, std::string seal_name)
      : own_key_(std::move(own_key)), seal_name_(std::move(seal_name)) {}

  // Listens to the lattice's events from now on, and asks all hosts for theirs.
  Result<void> listen(lattice::Bus& control_bus, const lattice::Subjects& subjects);
  void forget_silent();  // to be called now and then

  bool all_know_the_seal() const { return all_know_.load(std::memory_order_relaxed); }  // any core
  std::size_t size() const { return peers_.size(); }
  // The host that runs this provider under this link name; "" when none is known to.
  std::string host_of_provider(const std::string& key, const std::string& link_name) const;

  void take(const lattice::Message& event);  // one of the lattice's events

 private:
  using Clock = std::chrono::steady_clock;
  using RunningProvider = std::pair<std::string, std::string>;  // public key, link name
  struct Peer {
    bool knows_the_seal = false;
    Clock::time_point heard_at;
    std::set<RunningProvider> providers;
  };
  void take_heartbeat(const codec::CloudEvent& event);
  void take_provider(const codec::CloudEvent& event);
  void look();

  const std::string own_key_, seal_name_;
  std::map<std::string, Peer, std::less<>> peers_;  // by host key
  std::atomic<bool> all_know_{true};
  lattice::Subscription events_;
};

}  // namespace trellis::host
