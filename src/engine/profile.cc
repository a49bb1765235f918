#include "engine/profile.h"

#include <algorithm>
#include <cstdio>
#include <string_view>

#include "base/limits.h"
#include "base/log.h"
#include "base/units.h"
#include "engine/wapc_imports.h"
#include "engine/wasi_imports.h"
#include "engine/wasmtime_shim.h"

namespace trellis::engine {
namespace {

constexpr std::size_t kWasmStackBytes = 512_KiB;  // what guests may use of
constexpr std::size_t kFiberStackBytes = 1_MiB;   // this; the rest is for host functions
constexpr std::uint32_t kTablesPerModuleMax = 4;
constexpr std::uint64_t kMapCountUnknown = 65'530;  // the kernel's default

struct Residency {
  std::size_t memory_bytes, table_bytes;
  std::uint32_t unused_slots;  // of other modules, kept as they were in the hope of their next call
  bool pagemap_scan;
};

Residency residency_of(GuestSize size) {
  // Where the kernel tells which pages were touched only those are wiped, and only those are there
  // when an instance is restored.
  const bool told = trellis_pagemap_scan_available();
  if (size == GuestSize::small) return {128_KiB, 64_KiB, 100, told};
  // Of what was touched only so much stays: what a burst of calls leaves here is never given back.
  if (told) return {256_KiB, 64_KiB, 32, true};
  return {64_KiB, 64_KiB, 32, false};  // kernels before 6.7: wiping 1 MiB costs more than faulting
}

wasmtime_pooling_allocation_config_t* pool_config(GuestSize size, std::uint32_t instances,
                                                  std::size_t memory_bytes_max) {
  const Residency keep = residency_of(size);
  auto* pool = wasmtime_pooling_allocation_config_new();
  wasmtime_pooling_allocation_config_total_memories_set(pool, instances);
  wasmtime_pooling_allocation_config_total_core_instances_set(pool, instances);
  wasmtime_pooling_allocation_config_total_tables_set(pool, 2 * instances);
  wasmtime_pooling_allocation_config_max_tables_per_module_set(pool, kTablesPerModuleMax);
  wasmtime_pooling_allocation_config_total_stacks_set(pool, instances);
  wasmtime_pooling_allocation_config_max_memory_size_set(pool, memory_bytes_max);
  wasmtime_pooling_allocation_config_table_elements_set(pool, limits::kGuestTableElementsMax);
  wasmtime_pooling_allocation_config_linear_memory_keep_resident_set(pool, keep.memory_bytes);
  wasmtime_pooling_allocation_config_table_keep_resident_set(pool, keep.table_bytes);
  wasmtime_pooling_allocation_config_max_unused_warm_slots_set(pool, keep.unused_slots);
  trellis_pool_pagemap_scan_set(pool, keep.pagemap_scan);
  return pool;
}

Result<EngineHandle> create_engine(GuestSize size, std::uint32_t instances,
                                   std::size_t memory_bytes_max) {
  wasm_config_t* config = wasm_config_new();
  wasmtime_config_epoch_interruption_set(config, true);
  wasmtime_config_max_wasm_stack_set(config, kWasmStackBytes);
  wasmtime_config_async_stack_size_set(config, kFiberStackBytes);
  wasmtime_config_wasm_memory64_set(config, false);
  wasmtime_config_wasm_multi_memory_set(config, false);
  wasmtime_config_native_unwind_info_set(config, false);  // backtraces walk frame pointers
  auto* pool = pool_config(size, instances, memory_bytes_max);
  wasmtime_pooling_allocation_strategy_set(config, pool);
  wasmtime_pooling_allocation_config_delete(pool);
  wasmtime_error_t* error = nullptr;
  EngineHandle engine(trellis_engine_new(config, &error));
  if (!engine) {
    ErrorHandle cause(error);
    return fail(Errc::exhausted, "engine.create",
                fmt::format("cannot set up the Wasm engine for {} instances: {}", instances,
                            text_of(cause.get())));
  }
  return engine;
}

wasm_valtype_vec_t value_types(std::string_view letters) {
  wasm_valtype_vec_t types;
  wasm_valtype_vec_new_uninitialized(&types, letters.size());
  for (std::size_t i = 0; i < letters.size(); ++i)
    types.data[i] = letters[i] == 'I' ? wasm_valtype_new_i64() : wasm_valtype_new_i32();
  return types;
}

FuncTypeHandle function_type(std::string_view signature) {
  const std::size_t colon = signature.find(':');
  wasm_valtype_vec_t parameters = value_types(signature.substr(0, colon));
  wasm_valtype_vec_t results = value_types(signature.substr(colon + 1));
  return FuncTypeHandle(wasm_functype_new(&parameters, &results));
}

Result<void> define(wasmtime_linker_t* linker, std::string_view module,
                    std::span<const ImportDefinition> imports) {
  for (const ImportDefinition& import : imports) {
    const std::string_view name = import.name;
    const FuncTypeHandle type = function_type(import.signature);
    ErrorHandle error(import.waiting
                          ? wasmtime_linker_define_async_func(linker, module.data(), module.size(),
                                                              name.data(), name.size(), type.get(),
                                                              import.waiting, nullptr, nullptr)
                          : wasmtime_linker_define_func_unchecked(
                                linker, module.data(), module.size(), name.data(), name.size(),
                                type.get(), import.function, nullptr, nullptr));
    if (error) {
      return fail(
          Errc::internal, "engine.create",
          fmt::format("cannot define import {}.{}: {}", module, name, text_of(error.get())));
    }
  }
  return {};
}

}  // namespace

Result<Profile> Profile::create(GuestSize size, std::uint32_t instances,
                                std::size_t memory_bytes_max) {
  TRY(auto engine, create_engine(size, instances, memory_bytes_max));
  LinkerHandle linker(wasmtime_linker_new(engine.get()));
  TRY_OK(define(linker.get(), "wapc", wapc_imports()));
  TRY_OK(define(linker.get(), "wasmbus", wapc_imports()));
  TRY_OK(define(linker.get(), "wasi_snapshot_preview1", wasi_imports()));
  TRY_OK(define(linker.get(), "wasi_unstable", wasi_unstable_imports()));
  const Residency keep = residency_of(size);
  return Profile{std::move(engine), std::move(linker), keep.memory_bytes + keep.table_bytes,
                 std::make_unique<SlotUse>()};
}

std::uint64_t map_count_max() {
  std::uint64_t count = kMapCountUnknown;
  if (std::FILE* file = std::fopen("/proc/sys/vm/max_map_count", "re")) {
    unsigned long long value = 0;
    if (std::fscanf(file, "%llu", &value) == 1) count = value;
    std::fclose(file);
  }
  return count;
}

std::uint32_t instances_that_fit(std::uint32_t wanted, std::uint64_t map_count_max) {
  // Each profile reserves two mappings per stack at once and up to four per live instance. Two
  // fifths of the allowance are left to compiled modules (three each), threads and libraries.
  constexpr std::uint64_t kMappingsPerInstance = 2 * (2 + 4);
  const std::uint64_t fit =
      std::max<std::uint64_t>(map_count_max * 3 / 5 / kMappingsPerInstance, 1);
  if (fit >= wanted) return wanted;
  LOG(warn,
      "vm.max_map_count is {}: room for {} guest instances instead of {}. More with: sysctl -w "
      "vm.max_map_count={}",
      map_count_max, fit, wanted, wanted * kMappingsPerInstance * 5 / 3 + 1);
  return static_cast<std::uint32_t>(fit);
}

}  // namespace trellis::engine
