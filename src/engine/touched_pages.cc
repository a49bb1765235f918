#include "engine/touched_pages.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "base/log.h"
#include "engine/instance_image.h"

namespace trellis::engine {
namespace {

// Linux, Documentation/admin-guide/mm/pagemap.rst.
constexpr std::uint64_t kPresent = std::uint64_t{1} << 63;
constexpr std::uint64_t kSwapped = std::uint64_t{1} << 62;
constexpr std::uint64_t kOfFile = std::uint64_t{1} << 61;

bool was_written(std::uint64_t entry) {
  return (entry & (kPresent | kSwapped)) && !(entry & kOfFile);
}

std::int64_t faults_of_this_thread() {
  rusage usage{};
  if (::getrusage(RUSAGE_THREAD, &usage) != 0) return -1;
  return usage.ru_minflt + usage.ru_majflt;
}

}  // namespace

std::unique_ptr<PageMap> PageMap::open() {
  if (::prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0) != 0) return nullptr;
  const int file = ::open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
  if (file < 0) return nullptr;
  std::unique_ptr<PageMap> map(new PageMap(file));
  // Does it tell the truth? A page of this function's that was just written.
  std::vector<std::uint8_t> room(3 * page_bytes());
  const auto first = reinterpret_cast<std::uintptr_t>(room.data() + page_bytes() - 1);
  auto* page = reinterpret_cast<std::uint8_t*>(first / page_bytes() * page_bytes());
  *page = 1;
  std::vector<std::uint32_t> pages;
  if (!map->written({page, page_bytes()}, pages) || pages.size() != 1) return nullptr;
  return map;
}

PageMap::~PageMap() { ::close(file_); }

bool PageMap::written(BytesView memory, std::vector<std::uint32_t>& pages) const {
  pages.clear();
  const std::size_t count = memory.size() / page_bytes();
  const auto first = reinterpret_cast<std::uintptr_t>(memory.data()) / page_bytes();
  std::array<std::uint64_t, 256> entries;
  for (std::size_t done = 0; done < count;) {
    const std::size_t wanted = std::min(entries.size(), count - done);
    const auto got = ::pread(file_, entries.data(), wanted * sizeof entries[0],
                             static_cast<off_t>((first + done) * sizeof entries[0]));
    if (got <= 0 || got % sizeof entries[0] != 0) return false;
    const std::size_t read = static_cast<std::size_t>(got) / sizeof entries[0];
    for (std::size_t i = 0; i < read; ++i) {
      if (was_written(entries[i])) pages.push_back(static_cast<std::uint32_t>(done + i));
    }
    done += read;
  }
  return true;
}

// The count is taken before the look: a page that comes while it lasts is seen by the next.
bool TouchedPages::refresh(const PageMap& map, BytesView memory) {
  const std::int64_t faults = faults_of_this_thread();
  if (faults >= 0 && faults == faults_ && memory.size() == memory_bytes_) return true;
  if (faults < 0 || !map.written(memory, pages_)) return false;
  faults_ = faults;
  memory_bytes_ = memory.size();
  return true;
}

}  // namespace trellis::engine
