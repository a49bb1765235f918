#include "engine/epoch_ticker.h"

#include <pthread.h>
#include <signal.h>

#include "base/limits.h"

namespace trellis::engine {
namespace {
constexpr int kIdleTicksMax = 100;  // then the thread sleeps until a guest runs
}

EpochTicker::EpochTicker(std::vector<wasm_engine_t*> engines) : engines_(std::move(engines)) {
  thread_ = std::thread([this] { run(); });
}

EpochTicker::~EpochTicker() {
  stopping_.store(true);
  wake();
  thread_.join();
}

EpochTicker::Cell& EpochTicker::add_cell() {
  std::lock_guard lock(cells_mutex_);
  seen_.push_back(0);
  return cells_.emplace_back();
}

void EpochTicker::wake() {
  asleep_.store(false);
  asleep_.notify_one();
}

bool EpochTicker::look(bool& any_running) {
  bool changed = false;
  any_running = false;
  std::lock_guard lock(cells_mutex_);
  for (std::size_t i = 0; i < cells_.size(); ++i) {
    const std::uint64_t runs = cells_[i].runs_.load(std::memory_order_seq_cst);
    if (runs & 1) any_running = true;
    if (runs != seen_[i]) changed = true;
    seen_[i] = runs;
  }
  return changed || any_running;
}

void EpochTicker::run() {
  pthread_setname_np(pthread_self(), "epoch");
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, nullptr);  // process signals are the main thread's
  int idle = 0;
  bool any_running = false;
  while (!stopping_.load()) {
    if (idle >= kIdleTicksMax) {
      asleep_.store(true, std::memory_order_seq_cst);
      if (!look(any_running) && !stopping_.load()) asleep_.wait(true);
      asleep_.store(false);
      idle = 0;
    }
    std::this_thread::sleep_for(limits::kEpochTick);
    idle = look(any_running) ? 0 : idle + 1;
    if (any_running) {
      for (auto* engine : engines_) wasmtime_engine_increment_epoch(engine);
    }
  }
}

}  // namespace trellis::engine
