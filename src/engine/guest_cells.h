// What the guests of one actor use on one core, counted there by its pools and instances: plain
// integers. Outlives a pool whose successor counts on, and the last of its instances.
#pragma once

#include <cstdint>
#include <memory>

namespace trellis::engine {

struct GuestCells {
  std::uint64_t made = 0;          // instances, since the start
  std::uint64_t living = 0;        // of those
  std::uint64_t ready = 0;         // of those, kept for the next calls
  std::uint64_t memory_bytes = 0;  // that the living hold: linear memory and tables
  std::uint64_t run_ns = 0;        // time in which guests ran

  GuestCells& operator+=(const GuestCells& other) {
    made += other.made;
    living += other.living;
    ready += other.ready;
    memory_bytes += other.memory_bytes;
    run_ns += other.run_ns;
    return *this;
  }
};

}  // namespace trellis::engine
