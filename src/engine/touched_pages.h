// Which pages of an instance's memory were ever written: those have to be restored after a call.
// The kernel knows (/proc/self/pagemap: a page that was never written is absent, or still the
// module file's). Asking costs a system call and a walk, so it is asked only when the thread had a
// page fault since it last was: the first write to a page is one. Large pages would break that, for
// the kernel may put one in place of many absent ones without a fault: PageMap turns them off.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/bytes.h"

namespace trellis::engine {

// One for the process; any thread.
class PageMap {
 public:
  // Null where the kernel does not tell or does not keep large pages away. Holds for the whole
  // process from then on: transparent huge pages are off.
  static std::unique_ptr<PageMap> open();
  ~PageMap();
  PageMap(const PageMap&) = delete;
  PageMap& operator=(const PageMap&) = delete;

  // The numbers, from 0, of the pages in `memory` (whole pages) that were ever written. False when
  // the kernel does not say.
  bool written(BytesView memory, std::vector<std::uint32_t>& pages) const;

 private:
  explicit PageMap(int file) : file_(file) {}
  const int file_;
};

// Of one instance; on the thread that runs it.
class TouchedPages {
 public:
  // Brings pages() up to date; false when that cannot be known.
  bool refresh(const PageMap& map, BytesView memory);
  std::span<const std::uint32_t> pages() const { return pages_; }

 private:
  std::vector<std::uint32_t> pages_;
  std::size_t memory_bytes_ = 0;  // when last looked
  std::int64_t faults_ = -1;      // of the thread, before that
};

}  // namespace trellis::engine
