// The clock of guest time: a thread that advances the engines' epoch every tick while some core
// runs a guest, and sleeps without wake-ups while none does. One per Engine; cores tell it through
// a cell each, without locks: entering costs one exchange on a cache line of the core's own.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <mutex>
#include <thread>
#include <vector>

#include "engine/c_handle.h"

namespace trellis::engine {

class EpochTicker {
 public:
  // Odd while a guest runs, and different after each run.
  class Cell {
   private:
    friend class EpochTicker;
    alignas(64) std::atomic<std::uint64_t> runs_{0};
  };

  // A guest runs on the cell's core while this lives.
  class Running {
   public:
    Running(EpochTicker& ticker, Cell& cell) : runs_(cell.runs_) {
      // Ordered before the load below, as the ticker orders asleep_ before reading runs_: one of
      // the two sees the other.
      runs_.store(runs_.load(std::memory_order_relaxed) + 1, std::memory_order_seq_cst);
      if (ticker.asleep_.load(std::memory_order_seq_cst)) [[unlikely]]
        ticker.wake();
    }
    ~Running() {
      runs_.store(runs_.load(std::memory_order_relaxed) + 1, std::memory_order_release);
    }
    Running(const Running&) = delete;
    Running& operator=(const Running&) = delete;

   private:
    std::atomic<std::uint64_t>& runs_;
  };

  explicit EpochTicker(std::vector<wasm_engine_t*> engines);
  ~EpochTicker();

  Cell& add_cell();  // good as long as the ticker

 private:
  void run();
  void wake();
  bool look(bool& any_running);  // true when something ran since the last look

  std::vector<wasm_engine_t*> engines_;
  std::mutex cells_mutex_;
  std::deque<Cell> cells_;
  std::vector<std::uint64_t> seen_;
  std::atomic<bool> asleep_{false};
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

}  // namespace trellis::engine
