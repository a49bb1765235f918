# trellis_actor(): C++ sources become a signed Wasm actor, and, if it has references, an artifact that hosts
# of this build find by name. docs/actors.md walks through it.
#
#   trellis_actor(echo
#     SOURCES echo.cc                       # compiled with clang for wasm32; sdk/cpp is on the include path
#     NAME Echo                             # the name in its claims
#     CAPS wasmcloud:httpserver             # the contracts it may use
#     VERSION 0.3.4 REVISION 4              # what is shown; what decides about updates
#     [ALIAS name] [TAGS tag …]             # call alias and tags in its claims
#     [REFERENCES registry/name:tag …]      # put in the layout under each of these
#     [TESTS echo_test.cc …]                # native unit tests, with sdk/cpp/fake_host.h
#     [STACK bytes] [FLAGS flag …])         # 16384 unless said; more compiler flags
#
# Leaves <build>/actors/<actor>_s.wasm. Signed with the seeds in TRELLIS_KEYS_DIR: account.nk, <actor>.nk.
#
# Usable from other projects: include() this file and set TRELLIS_WASH to a `wash` program.

set(TRELLIS_KEYS_DIR "${CMAKE_CURRENT_LIST_DIR}/../actors/keys" CACHE PATH
    "Where the seeds that sign actors are: account.nk and one <actor>.nk each")
set(TRELLIS_GUEST_COMPILER "clang++-19" CACHE STRING "The compiler of actors")
set(TRELLIS_SDK_CPP_DIR "${CMAKE_CURRENT_LIST_DIR}/../sdk/cpp")
set(TRELLIS_LAYOUT_DIR "${CMAKE_BINARY_DIR}/share/trellis/artifacts")

# -mcpu=mvp: hosts and tools of 2022 refuse later instructions.
set(TRELLIS_GUEST_COMPILE_FLAGS
    --target=wasm32-wasi -mcpu=mvp -std=c++20 -O2 -fno-exceptions -fno-rtti -fvisibility=hidden
    -ffunction-sections -fdata-sections -Wall -Wextra -Wshadow -Werror)
# No start file: an instance needs no call before its first. The stack lies below the data, so that an
# overflow traps instead of overwriting, and what a call touches fits the first 64 KiB page. Function names
# stay: backtraces show them. Numbers in the code are not padded: smaller, and what tools of 2022 hash.
set(TRELLIS_GUEST_LINK_FLAGS
    --target=wasm32-wasi -mcpu=mvp -nostartfiles -fuse-ld=lld
    -Wl,--no-entry,--gc-sections,--strip-debug,--stack-first,--compress-relocations)

function(trellis_actor actor)
  cmake_parse_arguments(ARG "" "NAME;VERSION;REVISION;ALIAS;STACK"
                        "SOURCES;CAPS;TAGS;REFERENCES;TESTS;FLAGS" ${ARGN})
  if(ARG_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "trellis_actor(${actor}): unknown argument ${ARG_UNPARSED_ARGUMENTS}")
  endif()
  foreach(needed SOURCES NAME VERSION REVISION)
    if(NOT ARG_${needed})
      message(FATAL_ERROR "trellis_actor(${actor}): ${needed} is missing")
    endif()
  endforeach()
  if(NOT ARG_STACK)
    set(ARG_STACK 16384)
  endif()
  set(out "${CMAKE_BINARY_DIR}/actors")
  set(signed "${out}/${actor}_s.wasm")
  file(MAKE_DIRECTORY "${out}")

  set(objects "")
  foreach(source IN LISTS ARG_SOURCES)
    get_filename_component(source "${source}" ABSOLUTE)
    get_filename_component(stem "${source}" NAME_WE)
    set(object "${out}/${actor}.${stem}.o")
    add_custom_command(
      OUTPUT "${object}"
      COMMAND ${CMAKE_CXX_COMPILER_LAUNCHER} ${TRELLIS_GUEST_COMPILER} ${TRELLIS_GUEST_COMPILE_FLAGS} ${ARG_FLAGS}
              -I "${TRELLIS_SDK_CPP_DIR}" -MD -MF "${object}.d" -c "${source}" -o "${object}"
      DEPENDS "${source}"
      DEPFILE "${object}.d"
      COMMENT "Compiling actor ${actor}: ${stem}"
      VERBATIM)
    list(APPEND objects "${object}")
  endforeach()
  add_custom_command(
    OUTPUT "${out}/${actor}.wasm"
    COMMAND ${TRELLIS_GUEST_COMPILER} ${TRELLIS_GUEST_LINK_FLAGS} -Wl,-z,stack-size=${ARG_STACK}
            ${objects} -o "${out}/${actor}.wasm"
    DEPENDS ${objects}
    COMMENT "Linking actor ${actor}"
    VERBATIM)

  set(claims --name "${ARG_NAME}" --ver "${ARG_VERSION}" --rev "${ARG_REVISION}")
  foreach(cap IN LISTS ARG_CAPS)
    list(APPEND claims --cap "${cap}")
  endforeach()
  foreach(tag IN LISTS ARG_TAGS)
    list(APPEND claims --tag "${tag}")
  endforeach()
  if(ARG_ALIAS)
    list(APPEND claims --call-alias "${ARG_ALIAS}")
  endif()
  set(account "${TRELLIS_KEYS_DIR}/account.nk")
  set(module "${TRELLIS_KEYS_DIR}/${actor}.nk")
  if(TARGET wash)
    set(wash wash)  # as a target: built before, but a rebuilt wash signs nothing again
  else()
    find_program(TRELLIS_WASH wash REQUIRED)
    set(wash "${TRELLIS_WASH}")
  endif()
  add_custom_command(
    OUTPUT "${signed}"
    COMMAND ${wash} claims sign "${out}/${actor}.wasm" --destination "${signed}" ${claims}
            --issuer "${account}" --subject "${module}" --disable-keygen
    DEPENDS "${out}/${actor}.wasm" "${account}" "${module}"
    COMMENT "Signing actor ${actor}"
    VERBATIM)
  set(results "${signed}")

  if(ARG_REFERENCES)
    # Beside the layout: whoever removes the layout removes this mark that it is filled.
    set(stamp "${TRELLIS_LAYOUT_DIR}/../.${actor}.stamp")
    add_custom_command(
      OUTPUT "${stamp}"
      COMMAND layout_add "${TRELLIS_LAYOUT_DIR}" actor "${signed}" ${ARG_REFERENCES}
      COMMAND "${CMAKE_COMMAND}" -E touch "${stamp}"
      DEPENDS "${signed}"
      COMMENT "Adding actor ${actor} to the artifact layout"
      VERBATIM)
    list(APPEND results "${stamp}")
  endif()
  add_custom_target(actor_${actor} ALL DEPENDS ${results})
  if(TARGET programs)
    add_dependencies(programs actor_${actor})
  endif()

  if(TRELLIS_TESTS AND ARG_TESTS)
    add_executable(actor_${actor}_test ${ARG_TESTS})
    target_include_directories(actor_${actor}_test PRIVATE "${CMAKE_CURRENT_SOURCE_DIR}" "${TRELLIS_SDK_CPP_DIR}")
    target_link_libraries(actor_${actor}_test PRIVATE GTest::gtest_main)
    add_test(NAME actor_${actor} COMMAND actor_${actor}_test)
    set_tests_properties(actor_${actor} PROPERTIES LABELS unit TIMEOUT 120)
  endif()
endfunction()
