// poll_oneoff: waiting on clocks suspends the guest, never the thread. Standard streams are always
// ready. Also the error and clock numbers the WASI functions share.
#pragma once

#include <cstdint>

#include "engine/host_function.h"

namespace trellis::engine::wasi {

enum Errno : std::uint16_t {
  kSuccess = 0,
  kBadDescriptor = 8,
  kInvalid = 28,
  kIo = 29,
  kNotImplemented = 52,
  kNotSeekable = 70,
};

inline constexpr std::uint32_t kClockRealtime = 0;
inline constexpr std::uint32_t kClockIdMax = 3;

wasm_trap_t* poll_oneoff(Guest& guest, GuestMemory memory, const wasmtime_val_t* arguments,
                         wasmtime_val_t* result);
wasm_trap_t* poll_oneoff_unstable(Guest& guest, GuestMemory memory, const wasmtime_val_t* arguments,
                                  wasmtime_val_t* result);

}  // namespace trellis::engine::wasi
