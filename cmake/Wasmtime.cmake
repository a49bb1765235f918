# Target `wasmtime`: the engine's crate (src/engine/wasmtime) as a static library with its C headers.
#
# Compiling it takes minutes, so the result is kept outside the build tree, in
#   ${TRELLIS_CACHE:-~/.cache/trellis}/wasmtime/<hash>/{lib,include}
# where the hash covers the crate's sources, Cargo.lock and the Rust compiler: other build trees, other
# presets (a sanitizer build uses the same library) and fresh clones take it from there. cargo runs
# at build time, in cmake/BuildWasmtime.cmake.
set(WASMTIME_RUST_MIN 1.95)
set(crate "${CMAKE_CURRENT_SOURCE_DIR}/src/engine/wasmtime")

if(DEFINED ENV{TRELLIS_CACHE})
  set(wasmtime_cache "$ENV{TRELLIS_CACHE}/wasmtime")
else()
  set(wasmtime_cache "$ENV{HOME}/.cache/trellis/wasmtime")
endif()

# The first toolchain that is new enough: the one on PATH, rustup's, Debian's (packages rustc-web and
# cargo-web install /usr/bin/rustc and /usr/bin/cargo).
function(trellis_find_rust out_cargo out_rustc out_version)
  string(REPLACE ":" ";" dirs "$ENV{PATH}")
  set(seen "")
  foreach(dir IN LISTS dirs ITEMS "$ENV{HOME}/.cargo/bin" "/usr/bin")
    if(NOT EXISTS "${dir}/rustc" OR NOT EXISTS "${dir}/cargo")
      continue()
    endif()
    execute_process(COMMAND "${dir}/rustc" -vV OUTPUT_VARIABLE version ERROR_QUIET RESULT_VARIABLE rc)
    if(rc EQUAL 0 AND version MATCHES "release: ([0-9.]+)")
      if(CMAKE_MATCH_1 VERSION_GREATER_EQUAL WASMTIME_RUST_MIN)
        set(${out_cargo} "${dir}/cargo" PARENT_SCOPE)
        set(${out_rustc} "${dir}/rustc" PARENT_SCOPE)
        set(${out_version} "${version}" PARENT_SCOPE)
        return()
      endif()
      string(APPEND seen " Found ${dir}/rustc ${CMAKE_MATCH_1}, which is too old.")
    endif()
  endforeach()
  message(FATAL_ERROR
    "The Wasm engine needs Rust ${WASMTIME_RUST_MIN} or newer.${seen} "
    "On Debian 12: apt-get install rustc-web cargo-web. Elsewhere: https://rustup.rs.")
endfunction()

trellis_find_rust(wasmtime_cargo wasmtime_rustc wasmtime_rust_version)

file(GLOB_RECURSE crate_files CONFIGURE_DEPENDS
  "${crate}/Cargo.toml" "${crate}/Cargo.lock" "${crate}/build.rs" "${crate}/src/*.rs")
list(SORT crate_files)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${crate_files})
set(wasmtime_key "${wasmtime_rust_version}")
foreach(file IN LISTS crate_files)
  file(SHA256 "${file}" digest)
  file(RELATIVE_PATH name "${crate}" "${file}")
  string(APPEND wasmtime_key "${name} ${digest}\n")
endforeach()
string(SHA256 wasmtime_key "${wasmtime_key}")
string(SUBSTRING "${wasmtime_key}" 0 16 wasmtime_key)
set(wasmtime_dir "${wasmtime_cache}/${wasmtime_key}")

# The build tree holds a link, so that cleaning it leaves the cache alone.
set(wasmtime_library "${CMAKE_BINARY_DIR}/wasmtime/libtrellis_engine.a")
add_custom_command(
  OUTPUT "${wasmtime_library}"
  COMMAND "${CMAKE_COMMAND}"
    -DCRATE=${crate} -DCACHE=${wasmtime_cache} -DDEST=${wasmtime_dir}
    -DCARGO=${wasmtime_cargo} -DRUSTC=${wasmtime_rustc} -DLINK=${wasmtime_library}
    -P "${CMAKE_CURRENT_LIST_DIR}/BuildWasmtime.cmake"
  COMMENT "Wasm engine: ${wasmtime_dir}"
  USES_TERMINAL VERBATIM)
add_custom_target(wasmtime_build DEPENDS "${wasmtime_library}")

add_library(wasmtime INTERFACE)
add_dependencies(wasmtime wasmtime_build)
target_include_directories(wasmtime SYSTEM INTERFACE "${wasmtime_dir}/include")
target_link_libraries(wasmtime INTERFACE "${wasmtime_library}" pthread dl m)
