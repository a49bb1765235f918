#include "engine/memory_budget.h"

#include <utility>

#include "base/limits.h"

namespace trellis::engine {
namespace {

constexpr std::size_t kTablesMax = 4;

}  // namespace

bool MemoryBudget::take(std::size_t bytes, std::size_t bytes_max) {
  if (bytes > bytes_max) return false;
  if (used_.fetch_add(bytes, std::memory_order_relaxed) <= bytes_max - bytes) return true;
  give_back(bytes);
  return false;
}

// Each step of the record is paid for before it is made; who finds it made by another gets his
// bytes back.
bool SlotUse::enter(MemoryBudget& budget, std::size_t kept_bytes) {
  const std::size_t living = living_.fetch_add(1, std::memory_order_relaxed) + 1;
  for (std::size_t most = most_.load(std::memory_order_relaxed); living > most;) {
    if (!budget.take(kept_bytes)) {
      leave();
      return false;
    }
    if (most_.compare_exchange_strong(most, most + 1, std::memory_order_relaxed))
      ++most;
    else
      budget.give_back(kept_bytes);
  }
  return true;
}

MemoryShare::MemoryShare(MemoryBudget& budget, SlotUse& slots, std::size_t kept_bytes,
                         std::size_t memory_bytes_max, std::shared_ptr<GuestCells> cells)
    : trellis_limiter_t{.take =
                            [](trellis_limiter_t* self, std::size_t bytes) {
                              return static_cast<MemoryShare*>(self)->take_more(bytes);
                            },
                        .memory_bytes_max = memory_bytes_max,
                        .table_elements_max = limits::kGuestTableElementsMax,
                        .tables_max = kTablesMax},
      budget_(budget),
      slots_(slots),
      kept_bytes_(kept_bytes),
      cells_(std::move(cells)),
      has_slot_(slots.enter(budget, kept_bytes)) {
  ++cells_->living;
}

MemoryShare::~MemoryShare() {
  if (taken_ > 0) budget_.give_back(taken_);
  if (has_slot_) slots_.leave();
  --cells_->living;
  cells_->memory_bytes -= held_;
}

bool MemoryShare::take_more(std::size_t bytes) {
  const std::size_t held = held_ + bytes;
  const std::size_t beyond = held > kept_bytes_ ? held - kept_bytes_ : 0;
  const auto take = [this](std::size_t more) {
    return growing_ ? budget_.take_to_grow(more) : budget_.take(more);
  };
  if (!has_slot_ || (beyond > taken_ && !take(beyond - taken_))) {
    refused_ = true;
    return false;
  }
  held_ = held;
  cells_->memory_bytes += bytes;
  taken_ = beyond;
  return true;
}

}  // namespace trellis::engine
