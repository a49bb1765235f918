//! The engine's C API as a static library, and the few functions it lacks.
//! Their C declarations are in `../../wasmtime_shim.h`.

use std::hash::{DefaultHasher, Hash, Hasher};
use wasmtime::{Config, Enabled, Engine, Error, PoolConcurrencyLimitError, PoolingAllocationConfig};
pub use wasmtime_c_api::*;

mod restorable;

// The C API's types are #[repr(C)] structs of one field; the field itself is private to it.
const _: () = assert!(size_of::<wasm_config_t>() == size_of::<Config>());
const _: () = assert!(size_of::<wasm_engine_t>() == size_of::<Engine>());
const _: () = assert!(size_of::<wasmtime_error_t>() == size_of::<Error>());
const _: () = assert!(
    size_of::<wasmtime_pooling_allocation_config_t>() == size_of::<PoolingAllocationConfig>()
);

/// `wasm_engine_new_with_config` that returns an error where that one aborts the process.
/// Takes the config over.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn trellis_engine_new(
    config: Box<wasm_config_t>,
    error: &mut Option<Box<wasmtime_error_t>>,
) -> Option<Box<wasm_engine_t>> {
    let config = unsafe { Box::from_raw(Box::into_raw(config).cast::<Config>()) };
    match Engine::new(&config) {
        Ok(engine) => {
            Some(unsafe { Box::from_raw(Box::into_raw(Box::new(engine)).cast::<wasm_engine_t>()) })
        }
        Err(cause) => {
            *error = Some(Box::new(cause.into()));
            None
        }
    }
}

/// What compiled code depends on: engine version, compiler settings, CPU features, our change.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn trellis_engine_compatibility_hash(engine: *const wasm_engine_t) -> u64 {
    let engine = unsafe { &*engine.cast::<Engine>() };
    let mut hasher = DefaultHasher::new();
    engine.precompile_compatibility_hash().hash(&mut hasher);
    restorable::FORM.hash(&mut hasher);
    hasher.finish()
}

/// Resets only the pages a guest touched, where the kernel can tell which (PAGEMAP_SCAN, Linux 6.7).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn trellis_pool_pagemap_scan_set(
    pool: *mut wasmtime_pooling_allocation_config_t,
    on: bool,
) {
    let pool = unsafe { &mut *pool.cast::<PoolingAllocationConfig>() };
    pool.pagemap_scan(if on { Enabled::Yes } else { Enabled::No });
}

#[unsafe(no_mangle)]
pub extern "C" fn trellis_pagemap_scan_available() -> bool {
    PoolingAllocationConfig::is_pagemap_scan_available()
}

/// Whether an instantiation failed because the pool has no free instance, memory, table or stack.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn trellis_error_is_pool_exhausted(error: *const wasmtime_error_t) -> bool {
    let error = unsafe { &*error.cast::<Error>() };
    error.is::<PoolConcurrencyLimitError>()
}

/// Writes to `changed` the module whose instances can be restored after a call; false, and nothing
/// written, when there is no such: see `restorable.rs`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn trellis_module_restorable(
    wasm: *const u8,
    size: usize,
    changed: &mut wasm_byte_vec_t,
) -> bool {
    let wasm = unsafe { std::slice::from_raw_parts(wasm, size) };
    match restorable::restorable(wasm) {
        Some(module) => {
            changed.set_buffer(module);
            true
        }
        None => false,
    }
}
