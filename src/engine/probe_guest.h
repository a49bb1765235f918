// A guest that calls one import with the arguments a test gives it. Used by this room's tests and
// fuzz target.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace trellis::engine {

// Its payload lies at address 0: the arguments, eight bytes each, then whatever the test wants in
// memory. It answers with the bytes 0x800 to 0x1000, of which the first four are the import's
// result.
inline std::string probe_guest(std::string_view module, std::string_view name,
                               std::string_view signature) {
  const std::size_t colon = signature.find(':');
  std::string parameters, arguments;
  for (std::size_t i = 0; i < colon; ++i) {
    const char* type = signature[i] == 'I' ? "i64" : "i32";
    parameters += fmt::format(" {}", type);
    arguments += fmt::format(" ({}.load (i32.const {}))", type, 8 * i);
  }
  const bool has_result = colon + 1 < signature.size();
  std::string call = fmt::format("(call $probed{})", arguments);
  if (has_result) call = fmt::format("(i32.store (i32.const 0x800) {})", call);
  return fmt::format(R"((module
    (import "{}" "{}" (func $probed (param{}){}))
    (import "wasmbus" "__guest_request" (func $request (param i32 i32)))
    (import "wasmbus" "__guest_response" (func $response (param i32 i32)))
    (memory (export "memory") 2)
    (func (export "__guest_call") (param i32 i32) (result i32)
      (call $request (i32.const 0x10000) (i32.const 0))
      {}
      (call $response (i32.const 0x800) (i32.const 0x800))
      (i32.const 1))))",
                     module, name, parameters, has_result ? " (result i32)" : "", call);
}

inline std::string probe_payload(const std::vector<std::uint64_t>& arguments) {
  std::string payload(8 * arguments.size(), '\0');
  if (!arguments.empty()) std::memcpy(payload.data(), arguments.data(), payload.size());
  return payload;
}

}  // namespace trellis::engine
