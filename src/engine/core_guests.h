// The guests of one core: what pools there share. It makes the next fresh instance ready after an
// answer has been given rather than before it is needed, bounds how many are kept between calls,
// and drops those that were not needed for a while, so that ten thousand idle actors cost no
// instance. Lives on its core; not thread-safe.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>

#include <boost/intrusive/list.hpp>

#include "engine/instance.h"
#include "engine/touched_pages.h"
#include "runtime/core.h"

namespace trellis::engine {

// A pool as CoreGuests sees it: a place where instances are kept between calls.
class WarmPlace : public boost::intrusive::list_base_hook<> {
 public:
  virtual ~WarmPlace() = default;

 private:
  friend class CoreGuests;
  virtual void warm_up() = 0;    // makes the instance ready that the next call will want
  virtual void cool_down() = 0;  // drops all
  virtual void trim() = 0;       // drops what was not needed since it was last asked to
  std::size_t kept_ = 0;
};

class CoreGuests : public std::enable_shared_from_this<CoreGuests> {
 public:
  // `pages` may be null: instances are then made anew for each call, not restored.
  CoreGuests(runtime::Core& core, EpochTicker& ticker, MemoryBudget& budget, const PageMap* pages,
             std::size_t kept_max);

  CoreShare share() { return {ticker_, cell_, budget_}; }
  runtime::Core& core() { return core_; }
  const PageMap* pages() const { return pages_; }

  // Once the core has nothing more urgent: destroys `used` (if any) and warms the place up again.
  // When it is busy (the last such job has not run yet) only the former, at once.
  void recycle(WarmPlace& place, std::unique_ptr<Instance> used);
  // How many instances the place keeps now. May have it cool down at once, when there are too many.
  void keeps(WarmPlace& place, std::size_t count);
  // What is kept takes from the memory of guests that run: no more where that gets short.
  bool may_keep_more() const {
    return kept_ < kept_max_ && budget_.bytes_used() <= budget_.bytes_max() / 2;
  }
  void removed(WarmPlace& place);  // it ceases to exist
  // Refusals for want of room are not logged call by call, for they come in crowds: true at most
  // once a second.
  bool may_log_refusal();
  // Makes room for another instance; false when there is nothing to drop.
  bool drop_warm();

 private:
  void run_recycle();
  void start_sweeping();
  bool sweep();  // false when nothing is kept any more
  static runtime::Task<void> sweep_until_cold(runtime::Core& core, std::weak_ptr<CoreGuests> weak);

  runtime::Core& core_;
  EpochTicker& ticker_;
  EpochTicker::Cell& cell_;
  MemoryBudget& budget_;
  const PageMap* const pages_;
  const std::size_t kept_max_;
  std::size_t kept_ = 0;
  std::unique_ptr<Instance> retired_;
  WarmPlace* to_warm_ = nullptr;
  bool recycle_pending_ = false;
  boost::intrusive::list<WarmPlace> warm_;  // those that keep some, longest unused first
  bool sweeping_ = false;
  std::chrono::steady_clock::time_point may_log_at_{};
};

}  // namespace trellis::engine
