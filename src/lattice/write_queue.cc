#include "lattice/write_queue.h"

#include <utility>

#include "base/units.h"

namespace trellis::lattice {

namespace {
constexpr std::size_t kSegmentBytes =
    64_KiB;  // then a new one begins: growing copies what is there
}

std::string& WriteQueue::begin_append() {
  if (segments_.empty() || segments_.back().owner ||
      segments_.back().text.size() >= kSegmentBytes) {
    segments_.emplace_back();
    segments_.back().text = std::exchange(spare_, {});
  }
  before_append_ = segments_.back().text.size();
  return segments_.back().text;
}

void WriteQueue::appended() { size_ += segments_.back().text.size() - before_append_; }

void WriteQueue::append(std::string_view text) {
  begin_append() += text;
  appended();
}

void WriteQueue::append_shared(std::shared_ptr<const void> owner, BytesView bytes) {
  if (bytes.empty()) return;
  segments_.push_back({{}, std::move(owner), bytes});
  size_ += bytes.size();
}

std::size_t WriteQueue::peek(std::span<iovec> parts) const {
  std::size_t count = 0;
  std::size_t skip = first_done_;
  for (const auto& segment : segments_) {
    if (count == parts.size()) break;
    const auto bytes = segment.bytes().subspan(std::exchange(skip, 0));
    if (bytes.empty()) continue;
    parts[count++] = {const_cast<std::uint8_t*>(bytes.data()), bytes.size()};
  }
  return count;
}

void WriteQueue::consume(std::size_t bytes) {
  size_ -= bytes;
  bytes += std::exchange(first_done_, 0);
  while (!segments_.empty() && bytes >= segments_.front().bytes().size()) {
    bytes -= segments_.front().bytes().size();
    auto& text = segments_.front().text;
    if (text.capacity() > spare_.capacity() && text.capacity() <= 2 * kSegmentBytes) {
      spare_ = std::move(text);
      spare_.clear();
    }
    segments_.pop_front();
  }
  first_done_ = bytes;
}

void WriteQueue::clear() {
  segments_.clear();
  size_ = first_done_ = 0;
}

}  // namespace trellis::lattice
