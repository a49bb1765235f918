// How a C++ function becomes an import of a guest: its entry from the engine, its arguments, its
// trap. Host functions get the guest and its memory; they never throw and never keep either.
#pragma once

#include <fmt/format.h>
#include <wasmtime.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "engine/guest.h"
#include "engine/guest_memory.h"

namespace trellis::engine {

// Stops the guest; the sentence becomes part of the call's error.
inline wasm_trap_t* trap(Guest& guest, std::string reason) {
  guest.fault = std::move(reason);
  return wasmtime_trap_new(guest.fault.data(), guest.fault.size());
}

inline wasm_trap_t* trap_range(Guest& guest, std::string_view function, std::uint32_t offset,
                               std::size_t size, const GuestMemory& memory) {
  return trap(guest, fmt::format("{} was given the range {}+{}, outside its memory of {} bytes",
                                 function, offset, size, memory.size()));
}

inline GuestMemory memory_of(Guest& guest, wasmtime_caller_t* caller) {
  wasmtime_context_t* context = wasmtime_caller_context(caller);
  if (!guest.has_memory) {  // a start section calls imports before the instance is ours
    wasmtime_extern_t item;
    if (!wasmtime_caller_export_get(caller, "memory", 6, &item) ||
        item.kind != WASMTIME_EXTERN_MEMORY) {
      return {nullptr, 0};
    }
    guest.memory = item.of.memory;
    guest.has_memory = true;
  }
  return {wasmtime_memory_data(context, &guest.memory),
          wasmtime_memory_data_size(context, &guest.memory)};
}

inline Guest& guest_of(wasmtime_caller_t* caller) {
  return *static_cast<Guest*>(wasmtime_context_get_data(wasmtime_caller_context(caller)));
}

// An import that never waits. Arguments and result share `values`, as the engine passes them.
using HostFunction = wasm_trap_t* (*)(Guest&, GuestMemory, wasmtime_val_raw_t* values);

inline std::uint32_t u32(const wasmtime_val_raw_t& value) {
  return static_cast<std::uint32_t>(value.i32);
}
inline std::uint64_t u64(const wasmtime_val_raw_t& value) {
  return static_cast<std::uint64_t>(value.i64);
}
inline void returns(wasmtime_val_raw_t* values, std::uint32_t value) {
  values[0].i64 = 0;
  values[0].i32 = static_cast<std::int32_t>(value);
}

template <HostFunction kFunction>
wasm_trap_t* enter(void*, wasmtime_caller_t* caller, wasmtime_val_raw_t* values,
                   std::size_t) noexcept {
  Guest& guest = guest_of(caller);
  return kFunction(guest, memory_of(guest, caller), values);
}

// An import that may wait: it sets guest.waits and guest.result, or the result at once, or a trap.
using WaitingHostFunction = wasm_trap_t* (*)(Guest&, GuestMemory, const wasmtime_val_t* arguments,
                                             wasmtime_val_t* result);

inline std::uint32_t u32(const wasmtime_val_t& value) {
  return static_cast<std::uint32_t>(value.of.i32);
}

template <WaitingHostFunction kFunction>
void enter_waiting(void*, wasmtime_caller_t* caller, const wasmtime_val_t* arguments, std::size_t,
                   wasmtime_val_t* results, std::size_t, wasm_trap_t** trap_out,
                   wasmtime_async_continuation_t* continuation) noexcept {
  Guest& guest = guest_of(caller);
  *trap_out = kFunction(guest, memory_of(guest, caller), arguments, results);
  continuation->env = &guest;
  continuation->finalizer = nullptr;
  // The engine polls this whenever the call is polled; the call is polled when the wait is over.
  continuation->callback = [](void* env) {
    return static_cast<Guest*>(env)->waits == Guest::Waits::no;
  };
}

// One function that hosts provide. `signature`: one letter per parameter, a colon, the result:
// i = i32, I = i64; "ii:i".
struct ImportDefinition {
  const char* name;
  const char* signature;
  wasmtime_func_unchecked_callback_t function;
  wasmtime_func_async_callback_t waiting = nullptr;  // instead of function
};

}  // namespace trellis::engine
