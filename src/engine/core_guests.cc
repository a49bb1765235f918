#include "engine/core_guests.h"

#include <boost/asio/post.hpp>

namespace trellis::engine {
namespace {
using namespace std::chrono_literals;
constexpr auto kSweepInterval = 5s;  // an instance unused for 5 to 10 s is dropped
constexpr auto kRefusalLogInterval = 1s;
}  // namespace

CoreGuests::CoreGuests(runtime::Core& core, EpochTicker& ticker, MemoryBudget& budget,
                       const PageMap* pages, std::size_t kept_max)
    : core_(core),
      ticker_(ticker),
      cell_(ticker.add_cell()),
      budget_(budget),
      pages_(pages),
      kept_max_(kept_max) {}

void CoreGuests::recycle(WarmPlace& place, std::unique_ptr<Instance> used) {
  if (recycle_pending_) return;  // `used` goes now
  recycle_pending_ = true;
  retired_ = std::move(used);
  to_warm_ = &place;
  // Two turns of the loop from here: the answer that the used instance gave goes out in the first.
  runtime::asio::post(core_.io(), [self = shared_from_this()] {
    runtime::asio::post(self->core_.io(), [self] { self->run_recycle(); });
  });
}

void CoreGuests::run_recycle() {
  recycle_pending_ = false;
  retired_.reset();
  if (WarmPlace* place = std::exchange(to_warm_, nullptr)) place->warm_up();
}

void CoreGuests::keeps(WarmPlace& place, std::size_t count) {
  kept_ = kept_ - place.kept_ + count;
  place.kept_ = count;
  if (place.is_linked()) warm_.erase(warm_.iterator_to(place));
  if (count == 0) return;
  warm_.push_back(place);
  if (kept_ > kept_max_) drop_warm();
  start_sweeping();
}

void CoreGuests::removed(WarmPlace& place) {
  keeps(place, 0);
  if (to_warm_ == &place) to_warm_ = nullptr;
}

bool CoreGuests::may_log_refusal() {
  const auto now = std::chrono::steady_clock::now();
  if (now < may_log_at_) return false;
  may_log_at_ = now + kRefusalLogInterval;
  return true;
}

bool CoreGuests::drop_warm() {
  const bool had_retired = retired_ != nullptr;
  retired_.reset();
  if (warm_.empty()) return had_retired;
  warm_.front().cool_down();
  return true;
}

void CoreGuests::start_sweeping() {
  if (std::exchange(sweeping_, true)) return;
  core_.spawn("dropping idle instances", sweep_until_cold(core_, weak_from_this()));
}

bool CoreGuests::sweep() {
  for (std::size_t left = warm_.size(); left > 0; --left) warm_.front().trim();
  sweeping_ = !warm_.empty();
  return sweeping_;
}

runtime::Task<void> CoreGuests::sweep_until_cold(runtime::Core& core,
                                                 std::weak_ptr<CoreGuests> weak) {
  for (;;) {
    const auto slept = co_await core.sleep_until(runtime::Deadline::in(kSweepInterval));
    const auto self = weak.lock();
    if (!self) co_return Result<void>();
    if (!slept) {  // the core stops
      while (self->drop_warm()) {
      }
      co_return Result<void>();
    }
    if (!self->sweep()) co_return Result<void>();
  }
}

}  // namespace trellis::engine
