#include "runtime/deadline_queue.h"

#include "base/check.h"

namespace trellis::runtime {

void DeadlineQueue::enter(Entry& entry, TimePoint at) {
  CHECK(!entry.queued());
  entry.at_ = at;
  heap_.push_back(&entry);
  entry.index_ = heap_.size() - 1;
  sift_up(entry.index_);
  if (at < armed_at_) arm();
}

void DeadlineQueue::leave(Entry& entry) {
  if (!entry.queued()) return;
  const std::size_t index = entry.index_;
  CHECK(index < heap_.size() && heap_[index] == &entry);
  entry.index_ = Entry::kNowhere;
  Entry* last = heap_.back();
  heap_.pop_back();
  if (last == &entry) return;
  place(last, index);
  sift_up(index);
  sift_down(last->index_);
}

void DeadlineQueue::place(Entry* entry, std::size_t index) {
  heap_[index] = entry;
  entry->index_ = index;
}

void DeadlineQueue::sift_up(std::size_t index) {
  Entry* entry = heap_[index];
  while (index > 0) {
    const std::size_t parent = (index - 1) / 2;
    if (heap_[parent]->at_ <= entry->at_) break;
    place(heap_[parent], index);
    index = parent;
  }
  place(entry, index);
}

void DeadlineQueue::sift_down(std::size_t index) {
  Entry* entry = heap_[index];
  for (;;) {
    std::size_t child = 2 * index + 1;
    if (child >= heap_.size()) break;
    if (child + 1 < heap_.size() && heap_[child + 1]->at_ < heap_[child]->at_) ++child;
    if (entry->at_ <= heap_[child]->at_) break;
    place(heap_[child], index);
    index = child;
  }
  place(entry, index);
}

void DeadlineQueue::arm() {
  if (heap_.empty() || !timer_) return;
  armed_at_ = heap_.front()->at_;
  timer_->expires_at(armed_at_);
  timer_->async_wait([this](const boost::system::error_code& ec) {
    if (!ec) ring();
  });
}

void DeadlineQueue::ring() {
  armed_at_ = TimePoint::max();
  // One look at the clock bounds the loop: what enters while we are here is due later than `now`
  // or waits for the next ring.
  const TimePoint now = std::chrono::steady_clock::now();
  std::size_t left = heap_.size();
  while (left-- > 0 && !heap_.empty() && heap_.front()->at_ <= now) {
    Entry* entry = heap_.front();
    leave(*entry);
    entry->due();
  }
  if (!heap_.empty() && heap_.front()->at_ < armed_at_) arm();
}

}  // namespace trellis::runtime
