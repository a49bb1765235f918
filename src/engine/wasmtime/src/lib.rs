//! The engine's C API as a static library, and the few functions it lacks.
//! Their C declarations are in `../../wasmtime_shim.h`.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::ptr::with_exposed_provenance_mut;
use wasmtime::{
    Config, Enabled, Engine, Error, PoolConcurrencyLimitError, PoolingAllocationConfig,
    ResourceLimiter, Store, StoreLimitsBuilder,
};
pub use wasmtime_c_api::*;

mod restorable;

// The C API's types are #[repr(C)] structs of one field; the field itself is private to it.
const _: () = assert!(size_of::<wasm_config_t>() == size_of::<Config>());
const _: () = assert!(size_of::<wasm_engine_t>() == size_of::<Engine>());
const _: () = assert!(size_of::<wasmtime_store_t>() == size_of::<Store<WasmtimeStoreData>>());
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

/// What a store may have. `take` is asked before a memory or a table is made or grows, with the
/// bytes that it needs more. Where the engine's own limiter compares with fixed numbers, this one
/// lets stores share.
#[repr(C)]
pub struct trellis_limiter_t {
    take: unsafe extern "C" fn(*mut trellis_limiter_t, usize) -> bool,
    memory_bytes_max: usize,
    table_elements_max: usize,
    tables_max: usize,
}

impl trellis_limiter_t {
    fn grows(&mut self, bytes: usize, desired: usize, limit: usize, maximum: Option<usize>) -> bool {
        desired <= limit
            && maximum.is_none_or(|maximum| desired <= maximum)
            && unsafe { (self.take)(self, bytes) }
    }
}

// A store and its limiter live on one thread.
unsafe impl Send for trellis_limiter_t {}

impl ResourceLimiter for trellis_limiter_t {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> Result<bool, Error> {
        Ok(self.grows(desired.saturating_sub(current), desired, self.memory_bytes_max, maximum))
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> Result<bool, Error> {
        let bytes = desired.saturating_sub(current).saturating_mul(size_of::<usize>());
        Ok(self.grows(bytes, desired, self.table_elements_max, maximum))
    }

    fn instances(&self) -> usize {
        1
    }

    fn tables(&self) -> usize {
        self.tables_max
    }

    fn memories(&self) -> usize {
        1
    }
}

/// `wasmtime_store_limiter` with a limiter of the caller's, which must live as long as the store.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn trellis_store_limiter_set(
    store: *mut wasmtime_store_t,
    limiter: *mut trellis_limiter_t,
) {
    let store = unsafe { &mut *store.cast::<Store<WasmtimeStoreData>>() };
    // A closure that held the pointer would be an allocation for every instance. The store's data
    // has room for it in the limits that only the engine's own limiter reads.
    let kept = StoreLimitsBuilder::new().memories(limiter.expose_provenance());
    store.data_mut().store_limits = kept.build();
    store.limiter(|data| {
        let limiter = with_exposed_provenance_mut(data.store_limits.memories());
        unsafe { &mut *(limiter as *mut trellis_limiter_t) }
    });
}
