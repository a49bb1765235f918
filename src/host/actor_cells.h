// What an actor counts on one core. Written there by LocalActor and its pool, outlives both when
// the actor is updated; collected by host/metrics.h.
#pragma once

#include <cstdint>

#include "base/call_cells.h"
#include "engine/guest_cells.h"

namespace trellis::host {

struct ActorCells {
  CallCells calls;
  engine::GuestCells guests;
  std::uint64_t running = 0;  // calls that were admitted
  std::uint64_t waiting = 0;  // those that wait for it

  void clear() {
    calls.clear();
    guests = {};
    running = waiting = 0;
  }
  ActorCells& operator+=(const ActorCells& other) {
    calls += other.calls;
    guests += other.guests;
    running += other.running;
    waiting += other.waiting;
    return *this;
  }
};

}  // namespace trellis::host
