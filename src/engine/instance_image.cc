#include "engine/instance_image.h"

#include <unistd.h>

#include <algorithm>
#include <cstring>

namespace trellis::engine {

std::size_t page_bytes() {
  static const auto kBytes = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  return kBytes;
}

InstanceImage::InstanceImage(BytesView memory, std::size_t pages_written,
                             std::vector<wasmtime_val_t> globals)
    : memory_bytes_(memory.size()), pages_written_(pages_written), globals_(std::move(globals)) {
  const std::size_t page = page_bytes();
  for (; !memory.empty(); memory = memory.subspan(page)) {
    const BytesView one = memory.first(page);
    if (std::all_of(one.begin(), one.end(), [](std::uint8_t byte) { return byte == 0; })) {
      place_.push_back(kZeroes);
    } else {
      place_.push_back(static_cast<std::uint32_t>(bytes_.size() / page));
      append(bytes_, one);
    }
  }
  bytes_.shrink_to_fit();
}

void InstanceImage::restore_page(std::uint8_t* memory, std::uint32_t page) const {
  const std::size_t bytes = page_bytes();
  std::uint8_t* to = memory + page * bytes;
  const std::uint32_t place = page < place_.size() ? place_[page] : kZeroes;
  if (place == kZeroes)
    std::memset(to, 0, bytes);
  else
    std::memcpy(to, bytes_.data() + place * bytes, bytes);
}

}  // namespace trellis::engine
