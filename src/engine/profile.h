// A Wasmtime engine set up for one kind of guest, with the linker that holds every import hosts
// provide. What decides the cost of a fresh instance is how its memory is wiped, and that depends
// on where guests touch it: small guests (C++, 1 or 2 pages) have everything in the first 128 KiB,
// which is fastest to overwrite; large ones (Rust: a 1 MiB stack first) touch a few pages far
// apart, which is fastest to find with PAGEMAP_SCAN. Both profiles compile to the same code.
#pragma once

#include <cstdint>
#include <memory>

#include "base/result.h"
#include "engine/c_handle.h"
#include "engine/memory_budget.h"

namespace trellis::engine {

enum class GuestSize { small, large };
inline constexpr std::uint32_t kSmallGuestPagesMax = 2;

// Immutable but for the count of its slots; any core.
struct Profile {
  EngineHandle engine;
  LinkerHandle linker;
  std::size_t kept_bytes;  // of memory and tables, in a slot that no instance uses
  std::unique_ptr<SlotUse> slots;

  static Result<Profile> create(GuestSize size, std::uint32_t instances,
                                std::size_t memory_bytes_max);
};

// How many instances fit into the mappings this kernel allows a process (vm.max_map_count) beside
// compiled modules and everything else. Logs how to get more when that is fewer than wanted.
std::uint32_t instances_that_fit(std::uint32_t wanted, std::uint64_t map_count_max);
std::uint64_t map_count_max();

}  // namespace trellis::engine
