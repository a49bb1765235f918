// What waits to be written to a socket, in order: small pieces are copied together, large ones are
// borrowed from an owner they share. Owned by BusClient; not thread-safe. The caller bounds size().
#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <deque>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace trellis::lattice {

class WriteQueue {
 public:
  // The string to append a small piece to; finish with appended().
  std::string& begin_append();
  void appended();
  void append(std::string_view text);
  void append_shared(std::shared_ptr<const void> owner, BytesView bytes);

  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  // The first bytes as they lie; how many parts were filled.
  std::size_t peek(std::span<iovec> parts) const;
  void consume(std::size_t bytes);
  void clear();

 private:
  struct Segment {
    std::string text;                   // or
    std::shared_ptr<const void> owner;  // of `shared`
    BytesView shared;
    BytesView bytes() const { return owner ? shared : as_bytes(text); }
  };
  std::deque<Segment> segments_;
  std::string spare_;  // a written segment's memory, for the next one
  std::size_t size_ = 0;
  std::size_t first_done_ = 0;  // bytes of the first segment that were written
  std::size_t before_append_ = 0;
};

}  // namespace trellis::lattice
