// The actor's heap. It begins right behind the static data and touches only what is asked for, so a
// fresh instance costs no system call and a page or two; freed blocks are kept by size and used
// again, so an actor whose instance is kept between calls does not grow. One thread, as guests
// have. Replaces malloc and operator new. Included once, by actor.h, in the file with
// TRELLIS_ACTOR.
#pragma once

#ifdef __wasm__

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>
#include <version>

#include "trellis/imports.h"

extern "C" unsigned char __heap_base;

namespace trellis::sdk::memory {

inline constexpr std::size_t kPage = 65536;
inline constexpr std::size_t kAlign = 16;
inline constexpr std::size_t kPagesPerGrowth = 4;

// In front of every block, in the 16 bytes that also keep it aligned.
struct Header {
  std::uint32_t size_class;
  std::uint32_t capacity;  // bytes behind the header
};
struct FreeBlock {
  FreeBlock* next;
};

inline FreeBlock* free_blocks[32 * 4];
inline std::uintptr_t top;

// Four sizes between one power of two and the next, each a multiple of 16.
inline Header class_of(std::size_t total) {
  const unsigned log = 31U - static_cast<unsigned>(__builtin_clz(static_cast<unsigned>(total - 1)));
  const std::size_t base = std::size_t{1} << log;
  const std::size_t step = base / 4 < kAlign ? kAlign : base / 4;
  const std::size_t index = (total - 1 - base) / step;
  return {static_cast<std::uint32_t>(log * 4 + index),
          static_cast<std::uint32_t>(base + (index + 1) * step - kAlign)};
}

inline void* allocate(std::size_t size) {
  if (size > (std::size_t{1} << 30)) return nullptr;
  const Header header = class_of(size < kAlign ? 2 * kAlign : size + kAlign);
  if (auto*& first = free_blocks[header.size_class]; first != nullptr) {
    auto* block = first;
    first = first->next;
    return block;
  }
  if (top == 0) top = (reinterpret_cast<std::uintptr_t>(&__heap_base) + kAlign - 1) & ~(kAlign - 1);
  const auto end = static_cast<std::uint64_t>(top) + kAlign + header.capacity;
  const auto have = static_cast<std::uint64_t>(__builtin_wasm_memory_size(0)) * kPage;
  if (end > have) {
    const std::size_t needed = static_cast<std::size_t>((end - have + kPage - 1) / kPage);
    // A little more than needed, to grow seldom; if the host refuses that, just what is needed.
    if ((needed >= kPagesPerGrowth || __builtin_wasm_memory_grow(0, kPagesPerGrowth) == SIZE_MAX) &&
        __builtin_wasm_memory_grow(0, needed) == SIZE_MAX) {
      return nullptr;
    }
  }
  auto* at = reinterpret_cast<Header*>(top);
  *at = header;
  const auto block = top + kAlign;
  top = static_cast<std::uintptr_t>(end);
  return reinterpret_cast<void*>(block);
}

inline Header& header_of(void* block) {
  return *reinterpret_cast<Header*>(static_cast<unsigned char*>(block) - kAlign);
}

inline void release(void* block) {
  if (block == nullptr) return;
  auto*& first = free_blocks[header_of(block).size_class];
  first = new (block) FreeBlock{first};
}

inline void* reallocate(void* block, std::size_t size) {
  if (block == nullptr) return allocate(size);
  const std::size_t capacity = header_of(block).capacity;
  if (size <= capacity) return block;
  void* larger = allocate(size);
  if (larger != nullptr) {
    std::memcpy(larger, block, capacity);
    release(block);
  }
  return larger;
}

[[noreturn]] inline void out_of_memory() {
  constexpr char kText[] = "the actor is out of memory";
  __console_log(kText, sizeof kText - 1);
  __builtin_trap();
}

inline void* allocate_or_trap(std::size_t size) {
  void* block = allocate(size);
  if (block == nullptr) out_of_memory();
  return block;
}

}  // namespace trellis::sdk::memory

extern "C" {
void* malloc(std::size_t size) { return trellis::sdk::memory::allocate(size); }
void free(void* block) { trellis::sdk::memory::release(block); }
void* realloc(void* block, std::size_t size) {
  return trellis::sdk::memory::reallocate(block, size);
}
void* calloc(std::size_t count, std::size_t size) {
  std::size_t bytes = 0;
  if (__builtin_mul_overflow(count, size, &bytes)) return nullptr;
  void* block = trellis::sdk::memory::allocate(bytes);
  if (block != nullptr) std::memset(block, 0, bytes);
  return block;
}
}
void* operator new(std::size_t size) { return trellis::sdk::memory::allocate_or_trap(size); }
void* operator new[](std::size_t size) { return trellis::sdk::memory::allocate_or_trap(size); }
void operator delete(void* block) noexcept { trellis::sdk::memory::release(block); }
void operator delete[](void* block) noexcept { trellis::sdk::memory::release(block); }
void operator delete(void* block, std::size_t) noexcept { trellis::sdk::memory::release(block); }
void operator delete[](void* block, std::size_t) noexcept { trellis::sdk::memory::release(block); }

// What the standard library does when its own checks fail (an index out of range, a length too
// large): by default it prints, which would pull in files and streams. Here it logs and traps.
_LIBCPP_BEGIN_NAMESPACE_STD
[[noreturn]] void __libcpp_verbose_abort(const char* format, ...) {
  __console_log(format, __builtin_strlen(format));
  __builtin_trap();
}
_LIBCPP_END_NAMESPACE_STD

#endif  // __wasm__
