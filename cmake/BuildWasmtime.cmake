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
  execute_process(
    COMMAND "${CMAKE_COMMAND}" -E env --unset=RUSTFLAGS "RUSTC=${RUSTC}" "CARGO_TARGET_DIR=${target}"
      "${CARGO}" build --release --locked --manifest-path "${CRATE}/Cargo.toml"
    WORKING_DIRECTORY "${CRATE}"
    RESULT_VARIABLE rc)
  if(NOT rc EQUAL 0)
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
