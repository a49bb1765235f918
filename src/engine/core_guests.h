// The guests of one core: what pools there share. It makes the next fresh instance ready after an
// answer has been given rather than before it is needed, and drops those that were not needed for a
// while, so that ten thousand idle actors cost no instance. Lives on its core; not thread-safe.
#pragma once

#include <cstdint>
#include <memory>

#include <boost/intrusive/list.hpp>

#include "engine/instance.h"
#include "runtime/core.h"

namespace trellis::engine {

// A pool as CoreGuests sees it: the place of one instance made ready ahead of time.
class WarmPlace : public boost::intrusive::list_base_hook<> {
 public:
  virtual ~WarmPlace() = default;

 private:
  friend class CoreGuests;
  virtual bool warm_up() = 0;  // true when an instance is ready
  virtual void cool_down() = 0;
  std::uint64_t warmed_at_ = 0;  // in sweeps
};

class CoreGuests : public std::enable_shared_from_this<CoreGuests> {
 public:
  CoreGuests(runtime::Core& core, EpochTicker& ticker, std::size_t warm_max);

  CoreClock clock() { return {ticker_, cell_}; }
  runtime::Core& core() { return core_; }

  // Once the core has nothing more urgent: destroys `used` and warms the place up again. When it is
  // busy (the last such job has not run yet) only the former, at once.
  void recycle(WarmPlace& place, std::unique_ptr<Instance> used);
  void taken(WarmPlace& place);    // its instance is in use now
  void removed(WarmPlace& place);  // it ceases to exist
  // Makes room for another instance; false when there is nothing to drop.
  bool drop_warm();

 private:
  void run_recycle();
  void start_sweeping();
  bool sweep();  // false when nothing is warm any more
  static runtime::Task<void> sweep_until_cold(runtime::Core& core, std::weak_ptr<CoreGuests> weak);

  runtime::Core& core_;
  EpochTicker& ticker_;
  EpochTicker::Cell& cell_;
  const std::size_t warm_max_;
  std::unique_ptr<Instance> retired_;
  WarmPlace* to_warm_ = nullptr;
  bool recycle_pending_ = false;
  boost::intrusive::list<WarmPlace> warm_;  // oldest first
  std::uint64_t sweeps_ = 0;
  bool sweeping_ = false;
};

}  // namespace trellis::engine
