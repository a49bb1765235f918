// One value for each core, which that core alone reads and writes: numbers that are counted where
// the work is. Shared by whoever counts and whoever collects, who posts to each core for its copy.
#pragma once

#include <cstddef>
#include <vector>

#include "runtime/core.h"

namespace trellis::runtime {

template <class T>
class PerCore {
 public:
  explicit PerCore(std::size_t cores) : slots_(cores) {}
  T& here() { return slots_[Core::current().index()].value; }

 private:
  struct alignas(64) Slot {  // a cache line of its own: cores do not disturb each other
    T value{};
  };
  std::vector<Slot> slots_;
};

}  // namespace trellis::runtime
