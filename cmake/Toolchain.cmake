# The one toolchain: clang-19 with libstdc++ 12 and lld. g++ 12 miscompiles coroutines (it frees
# twice any aggregate built inside a co_await expression), so it is refused rather than half supported.
if(NOT CMAKE_CXX_COMPILER_ID STREQUAL "Clang" OR CMAKE_CXX_COMPILER_VERSION VERSION_LESS 19)
  message(FATAL_ERROR
    "Trellis is built with clang 19 or newer; found ${CMAKE_CXX_COMPILER_ID} ${CMAKE_CXX_COMPILER_VERSION}. "
    "Configure with a preset (cmake --preset release), or pass -DCMAKE_CXX_COMPILER=clang++-19.")
endif()

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_CXX_SCAN_FOR_MODULES OFF)

option(TRELLIS_TESTS "Build unit tests and benchmarks" ON)
set(TRELLIS_SANITIZE "" CACHE STRING "Sanitizers, as in -fsanitize=…: address,undefined | thread | fuzzer-no-link,address,undefined")

find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER "${CCACHE}")
endif()

add_compile_options(-Wall -Wextra -Wshadow -Wconversion -Wno-sign-conversion -Wno-shorten-64-to-32 -Werror
                    -fno-omit-frame-pointer -fdata-sections -ffunction-sections)
add_link_options(-fuse-ld=lld -Wl,--gc-sections)
if(TRELLIS_SANITIZE)
  add_compile_options(-fsanitize=${TRELLIS_SANITIZE} -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${TRELLIS_SANITIZE})
endif()
