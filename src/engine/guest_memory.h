// A guest's linear memory as host functions see it during one call into the host. Every pointer a
// guest gives goes through range(); the memory may grow between calls, so none of this is kept.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "base/bytes.h"

namespace trellis::engine {

class GuestMemory {
 public:
  GuestMemory(std::uint8_t* base, std::size_t size) : base_(base), size_(size) {}

  // Null when any byte of [offset, offset + size) lies outside. An empty range is always inside.
  std::uint8_t* range(std::uint32_t offset, std::size_t size) const {
    if (size == 0) return base_;
    if (offset > size_ || size > size_ - offset) return nullptr;
    return base_ + offset;
  }
  std::size_t size() const { return size_; }

 private:
  std::uint8_t* base_;
  std::size_t size_;
};

// Little-endian, unaligned: how a guest lays out its structures.
template <class T>
T load_le(const std::uint8_t* at) {
  T value;
  std::memcpy(&value, at, sizeof value);
  return value;
}
template <class T>
void store_le(std::uint8_t* at, T value) {
  std::memcpy(at, &value, sizeof value);
}

}  // namespace trellis::engine
