// C functions of our own crate (src/engine/wasmtime) where the engine's C API has a gap. Each is
// described in src/lib.rs there.
#pragma once

#include <wasmtime.h>

#include <cstddef>
#include <cstdint>

extern "C" {
struct trellis_limiter_t {
  bool (*take)(trellis_limiter_t* limiter, std::size_t bytes);
  std::size_t memory_bytes_max, table_elements_max, tables_max;
};
void trellis_store_limiter_set(wasmtime_store_t* store, trellis_limiter_t* limiter);

wasm_engine_t* trellis_engine_new(wasm_config_t* config, wasmtime_error_t** error);
std::uint64_t trellis_engine_compatibility_hash(const wasm_engine_t* engine);
void trellis_pool_pagemap_scan_set(wasmtime_pooling_allocation_config_t* pool, bool on);
bool trellis_pagemap_scan_available();
bool trellis_error_is_pool_exhausted(const wasmtime_error_t* error);
bool trellis_module_restorable(const std::uint8_t* wasm, std::size_t size,
                               wasm_byte_vec_t* changed);
}
