// The deadlines of one core: a heap of intrusive entries and one timer. Owned by Core; not
// thread-safe. Entering and leaving cost no allocation (once the heap has grown) and no system
// call: the timer is set only when an entry is due before the time it is set to, and an early ring
// is simply a short look.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "runtime/deadline.h"

namespace trellis::runtime {

class DeadlineQueue {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  // Something that is due at a time. Leaves the queue before it is destroyed.
  class Entry {
   public:
    bool queued() const { return index_ != kNowhere; }

   protected:
    Entry() = default;
    ~Entry() = default;
    Entry(const Entry&) = delete;
    Entry& operator=(const Entry&) = delete;

   private:
    friend class DeadlineQueue;
    // Called on the core, from its loop, when the entry is due; it is out of the queue by then.
    virtual void due() = 0;

    static constexpr std::size_t kNowhere = static_cast<std::size_t>(-1);
    TimePoint at_;
    std::size_t index_ = kNowhere;
  };

  explicit DeadlineQueue(boost::asio::io_context& io) : timer_(io) {}

  void enter(Entry& entry, TimePoint at);  // CHECK: not queued
  void leave(Entry& entry);                // nothing happens when it is not queued
  std::size_t size() const { return heap_.size(); }
  void close() { timer_.reset(); }  // before its io_context goes; entries may still leave

 private:
  void place(Entry* entry, std::size_t index);
  void sift_up(std::size_t index);
  void sift_down(std::size_t index);
  void arm();
  void ring();

  std::vector<Entry*> heap_;
  std::optional<boost::asio::steady_timer> timer_;
  TimePoint armed_at_ = TimePoint::max();
};

}  // namespace trellis::runtime
