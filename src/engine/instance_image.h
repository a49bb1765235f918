// What every instance of a module holds right after its start: its memory and its mutable globals.
// With it a used instance is made as it was then, for a fraction of what a new one costs.
// Immutable; any core; part of a LoadedModule. What it takes of a module:
// wasmtime/src/restorable.rs.
#pragma once

#include <wasmtime.h>

#include <cstdint>
#include <vector>

#include "base/bytes.h"

namespace trellis::engine {

class InstanceImage {
 public:
  InstanceImage(BytesView memory, std::size_t pages_written, std::vector<wasmtime_val_t> globals);

  std::size_t memory_bytes() const { return memory_bytes_; }
  std::size_t pages_written() const { return pages_written_; }  // by the start itself
  // In the order of LoadedModule::restored_globals().
  const std::vector<wasmtime_val_t>& globals() const { return globals_; }

  // Makes page number `page` of the memory that begins at `memory` as it was: zeroes where the
  // module had no memory then. `memory` reaches to the page's end.
  void restore_page(std::uint8_t* memory, std::uint32_t page) const;

 private:
  static constexpr std::uint32_t kZeroes = UINT32_MAX;

  std::size_t memory_bytes_, pages_written_;
  std::vector<std::uint32_t> place_;  // of each page, in bytes_ and counted in pages
  Bytes bytes_;                       // the pages that are not all zeroes
  std::vector<wasmtime_val_t> globals_;
};

std::size_t page_bytes();  // of the system

}  // namespace trellis::engine
