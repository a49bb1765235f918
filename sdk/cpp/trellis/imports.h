// What the host gives an actor: the waPC imports. In a native test the same functions are the
// test's own. docs/protocol.md §1.1.
#pragma once

#include <cstddef>

#ifdef __wasm__
#define TRELLIS_IMPORT(name) __attribute__((import_module("wasmbus"), import_name(#name)))
#define TRELLIS_EXPORT(name) __attribute__((export_name(#name), used))
#else
#define TRELLIS_IMPORT(name)
#define TRELLIS_EXPORT(name)
#endif

extern "C" {
TRELLIS_IMPORT(__guest_request) void __guest_request(void* operation, void* payload);
TRELLIS_IMPORT(__guest_response) void __guest_response(const void* bytes, std::size_t size);
TRELLIS_IMPORT(__guest_error) void __guest_error(const void* text, std::size_t size);
TRELLIS_IMPORT(__host_call)
int __host_call(const void* binding, std::size_t binding_size, const void* contract,
                std::size_t contract_size, const void* operation, std::size_t operation_size,
                const void* payload, std::size_t payload_size);
TRELLIS_IMPORT(__host_response_len) std::size_t __host_response_len();
TRELLIS_IMPORT(__host_response) void __host_response(void* bytes);
TRELLIS_IMPORT(__host_error_len) std::size_t __host_error_len();
TRELLIS_IMPORT(__host_error) void __host_error(void* text);
TRELLIS_IMPORT(__console_log) void __console_log(const void* text, std::size_t size);
}
