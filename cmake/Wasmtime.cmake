# Target `wasmtime`: the engine's crate built by cargo into a static library, with the C headers.
add_library(wasmtime INTERFACE)
