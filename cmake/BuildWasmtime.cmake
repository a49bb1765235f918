# Run by cmake/Wasmtime.cmake at build time: makes DEST/{lib,include} unless they are there, and LINK in
# the build tree. Several build trees may run it at once; the first builds, the others wait for it.
set(library "${DEST}/lib/libtrellis_engine.a")

if(NOT EXISTS "${library}")
  file(MAKE_DIRECTORY "${CACHE}")
  file(LOCK "${CACHE}/lock" GUARD PROCESS TIMEOUT 3600)
endif()

if(NOT EXISTS "${library}")
  message("Building the Wasm engine with cargo, once per version of it: about 7 minutes on two cores.")
  # One target folder for all versions of the crate: a change in its shim rebuilds only the shim.
  set(target "${CACHE}/target")
  unset(ENV{RUSTFLAGS})
  set(ENV{RUSTC} "${RUSTC}")
  set(ENV{CARGO_TARGET_DIR} "${target}")
  execute_process(
    COMMAND "${CARGO}" build --release --locked --manifest-path "${CRATE}/Cargo.toml"
    WORKING_DIRECTORY "${CRATE}"
    RESULT_VARIABLE rc
    ERROR_VARIABLE said ECHO_ERROR_VARIABLE)
  # Of a process that a signal ended CMake gives words instead of a number, a shell 128 and the signal's; of a compiler that one
  # ended, cargo tells.
  if(rc MATCHES "^(Subprocess (killed|terminated)|137|143)$" OR said MATCHES "signal: (9|15)[,)]")
    message(FATAL_ERROR
      "Building the Wasm engine (${CRATE}) was stopped from outside: cargo or a compiler it runs was killed (${rc}). "
      "When nobody did so on purpose, memory ran short: free some, or compile one thing at a time with "
      "CARGO_BUILD_JOBS=1 in the environment. What is compiled already is kept.")
  elseif(NOT rc EQUAL 0)
    message(FATAL_ERROR
      "cargo could not build the Wasm engine (${CRATE}). Its own message is above; most often the crate "
      "registry (crates.io or the mirror set in ~/.cargo/config.toml) cannot be reached.")
  endif()
  file(REMOVE_RECURSE "${DEST}.new")
  file(MAKE_DIRECTORY "${DEST}.new/lib")
  file(COPY "${target}/release/libtrellis_engine.a" DESTINATION "${DEST}.new/lib")
  file(COPY "${target}/release/include" DESTINATION "${DEST}.new")
  file(REMOVE_RECURSE "${DEST}")
  file(RENAME "${DEST}.new" "${DEST}")
endif()

get_filename_component(link_dir "${LINK}" DIRECTORY)
file(MAKE_DIRECTORY "${link_dir}")
file(CREATE_LINK "${library}" "${LINK}" SYMBOLIC)
