#include "engine/wapc_imports.h"

#include <cstring>

#include "base/limits.h"

namespace trellis::engine {
namespace {

void copy_to(std::uint8_t* to, const void* from, std::size_t size) {
  if (size > 0) std::memcpy(to, from, size);
}

std::string_view text_at(const std::uint8_t* at, std::size_t size) {
  return {reinterpret_cast<const char*>(at), size};
}

wasm_trap_t* too_large(Guest& guest, std::string_view function, std::size_t size, std::size_t max) {
  return trap(guest,
              fmt::format("{} was given {} bytes, more than the {} allowed", function, size, max));
}

wasm_trap_t* guest_request(Guest& guest, GuestMemory memory, wasmtime_val_raw_t* values) {
  constexpr const char* kName = "__guest_request";
  auto* operation = memory.range(u32(values[0]), guest.operation.size());
  if (!operation) return trap_range(guest, kName, u32(values[0]), guest.operation.size(), memory);
  auto* payload = memory.range(u32(values[1]), guest.payload.size());
  if (!payload) return trap_range(guest, kName, u32(values[1]), guest.payload.size(), memory);
  copy_to(operation, guest.operation.data(), guest.operation.size());
  copy_to(payload, guest.payload.data(), guest.payload.size());
  return nullptr;
}

wasm_trap_t* guest_response(Guest& guest, GuestMemory memory, wasmtime_val_raw_t* values) {
  constexpr const char* kName = "__guest_response";
  const std::size_t size = u32(values[1]);
  auto* bytes = memory.range(u32(values[0]), size);
  if (!bytes) return trap_range(guest, kName, u32(values[0]), size, memory);
  if (size > limits::kGuestResponseBytesMax)
    return too_large(guest, kName, size, limits::kGuestResponseBytesMax);
  guest.response.assign(bytes, bytes + size);
  return nullptr;
}

wasm_trap_t* guest_error(Guest& guest, GuestMemory memory, wasmtime_val_raw_t* values) {
  constexpr const char* kName = "__guest_error";
  const std::size_t size = u32(values[1]);
  auto* bytes = memory.range(u32(values[0]), size);
  if (!bytes) return trap_range(guest, kName, u32(values[0]), size, memory);
  if (size > kGuestErrorBytesMax) return too_large(guest, kName, size, kGuestErrorBytesMax);
  guest.error.assign(text_at(bytes, size));
  return nullptr;
}

// binding, namespace, operation, payload: four ranges. The call itself is made by whoever runs the
// guest, which is suspended meanwhile.
wasm_trap_t* host_call(Guest& guest, GuestMemory memory, const wasmtime_val_t* arguments,
                       wasmtime_val_t* result) {
  constexpr const char* kName = "__host_call";
  const std::uint8_t* at[4];
  std::size_t size[4];
  for (int i = 0; i < 4; ++i) {
    const std::uint32_t offset = u32(arguments[2 * i]);
    size[i] = u32(arguments[2 * i + 1]);
    at[i] = memory.range(offset, size[i]);
    if (!at[i]) return trap_range(guest, kName, offset, size[i], memory);
    const std::size_t max = i < 3 ? kHostCallNameBytesMax : limits::kGuestResponseBytesMax;
    if (size[i] > max) return too_large(guest, kName, size[i], max);
  }
  guest.request = {text_at(at[0], size[0]), text_at(at[1], size[1]), text_at(at[2], size[2]),
                   BytesView{at[3], size[3]}};
  guest.host_response.clear();
  guest.host_error.clear();
  guest.asked_world = true;
  guest.result = result;
  guest.waits = Guest::Waits::host_call;
  return nullptr;
}

wasm_trap_t* host_response_len(Guest& guest, GuestMemory, wasmtime_val_raw_t* values) {
  returns(values, static_cast<std::uint32_t>(guest.host_response.size()));
  return nullptr;
}

wasm_trap_t* host_response(Guest& guest, GuestMemory memory, wasmtime_val_raw_t* values) {
  auto* to = memory.range(u32(values[0]), guest.host_response.size());
  if (!to) {
    return trap_range(guest, "__host_response", u32(values[0]), guest.host_response.size(), memory);
  }
  copy_to(to, guest.host_response.data(), guest.host_response.size());
  return nullptr;
}

wasm_trap_t* host_error_len(Guest& guest, GuestMemory, wasmtime_val_raw_t* values) {
  returns(values, static_cast<std::uint32_t>(guest.host_error.size()));
  return nullptr;
}

wasm_trap_t* host_error(Guest& guest, GuestMemory memory, wasmtime_val_raw_t* values) {
  auto* to = memory.range(u32(values[0]), guest.host_error.size());
  if (!to)
    return trap_range(guest, "__host_error", u32(values[0]), guest.host_error.size(), memory);
  copy_to(to, guest.host_error.data(), guest.host_error.size());
  return nullptr;
}

wasm_trap_t* console_log(Guest& guest, GuestMemory memory, wasmtime_val_raw_t* values) {
  const std::size_t size = u32(values[1]);
  auto* text = memory.range(u32(values[0]), size);
  if (!text) return trap_range(guest, "__console_log", u32(values[0]), size, memory);
  guest.host->guest_log(text_at(text, std::min(size, limits::kGuestLogBytesMax)));
  return nullptr;
}

constexpr ImportDefinition kImports[] = {
    {"__guest_request", "ii:", enter<guest_request>},
    {"__guest_response", "ii:", enter<guest_response>},
    {"__guest_error", "ii:", enter<guest_error>},
    {"__host_call", "iiiiiiii:i", nullptr, enter_waiting<host_call>},
    {"__host_response_len", ":i", enter<host_response_len>},
    {"__host_response", "i:", enter<host_response>},
    {"__host_error_len", ":i", enter<host_error_len>},
    {"__host_error", "i:", enter<host_error>},
    {"__console_log", "ii:", enter<console_log>},
};

}  // namespace

std::span<const ImportDefinition> wapc_imports() { return kImports; }

}  // namespace trellis::engine
