// How much memory all guests of the process may have together. Two things count: what the memory
// and the tables of a living instance hold, and what a pool keeps of them for the next guest. A
// pool keeps some pages of every slot that was ever used (Profile::kept_bytes), for ever, and it
// never used more slots than instances lived at once: so these pages count for the most instances
// that lived at once, on all cores, and an instance counts for what it holds beyond them.
#pragma once

#include <atomic>
#include <cstddef>

#include "engine/guest_cells.h"
#include "engine/wasmtime_shim.h"

namespace trellis::engine {

class MemoryBudget {  // any thread
 public:
  // Of bytes_max, `for_starts` cannot be taken to grow: a guest that fills all there is would keep
  // the instances of others from starting.
  explicit MemoryBudget(std::size_t bytes_max, std::size_t for_starts = 0)
      : bytes_max_(bytes_max), growth_max_(bytes_max - for_starts) {}

  bool take(std::size_t bytes) { return take(bytes, bytes_max_); }  // false: not that much is left
  bool take_to_grow(std::size_t bytes) { return take(bytes, growth_max_); }
  void give_back(std::size_t bytes) { used_.fetch_sub(bytes, std::memory_order_relaxed); }
  std::size_t bytes_max() const { return bytes_max_; }
  std::size_t bytes_used() const { return used_.load(std::memory_order_relaxed); }

 private:
  bool take(std::size_t bytes, std::size_t bytes_max);

  const std::size_t bytes_max_, growth_max_;
  std::atomic<std::size_t> used_{0};
};

// The slots of one pool, which all cores have together. Only a new record touches the budget.
class SlotUse {  // any thread; as often as an instance is made, which costs more than an atomic
 public:
  bool enter(MemoryBudget& budget, std::size_t kept_bytes);
  void leave() { living_.fetch_sub(1, std::memory_order_relaxed); }

 private:
  std::atomic<std::size_t> living_{0}, most_{0};
};

// The part of one instance. Made before its store and destroyed after it; on its core.
class MemoryShare : public trellis_limiter_t {
 public:
  // `cells` counts the instance and what it holds.
  MemoryShare(MemoryBudget& budget, SlotUse& slots, std::size_t kept_bytes,
              std::size_t memory_bytes_max,
              std::shared_ptr<GuestCells> cells = std::make_shared<GuestCells>());
  ~MemoryShare();
  MemoryShare(const MemoryShare&) = delete;
  MemoryShare& operator=(const MemoryShare&) = delete;

  // Whether something was refused, since the last call began, that the budget had no room for.
  bool refused() const { return refused_; }
  void begin_call() {
    refused_ = false;
    growing_ = true;
  }
  const MemoryBudget& budget() const { return budget_; }
  GuestCells& cells() { return *cells_; }

 private:
  bool take_more(std::size_t bytes);

  MemoryBudget& budget_;
  SlotUse& slots_;
  const std::size_t kept_bytes_;
  const std::shared_ptr<GuestCells> cells_;
  const bool has_slot_;
  std::size_t held_ = 0, taken_ = 0;
  bool refused_ = false;
  bool growing_ = false;  // it has started: what it takes now is growth
};

}  // namespace trellis::engine
