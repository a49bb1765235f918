#include "engine/wasi_imports.h"

#include <sys/random.h>
#include <time.h>

#include <algorithm>
#include <chrono>
#include <cstring>

#include "engine/wasi_poll.h"

namespace trellis::engine {
namespace {

using namespace wasi;

constexpr std::uint32_t kIoVectorsMax = 1024;
constexpr std::size_t kWriteBytesMax = 64 << 10;  // one fd_write; a guest writes the rest again
constexpr std::size_t kRandomBytesMax = 1 << 20;  // one random_get
constexpr std::uint8_t kCharacterDevice = 2;
constexpr std::uint64_t kRightFdRead = 1 << 1;
constexpr std::uint64_t kRightFdWrite = 1 << 6;
constexpr std::uint64_t kRightPoll = 1 << 27;

bool standard_stream(std::uint32_t fd) { return fd <= 2; }

// A function that has one answer whatever it is given, because there are no files and no sockets.
template <Errno kAnswer>
wasm_trap_t* always(Guest&, GuestMemory, wasmtime_val_raw_t* values) {
  returns(values, kAnswer);
  return nullptr;
}

wasm_trap_t* empty_sizes(Guest& guest, GuestMemory memory, wasmtime_val_raw_t* values) {
  for (int i = 0; i < 2; ++i) {
    auto* at = memory.range(u32(values[i]), 4);
    if (!at)
      return trap_range(guest, "args_sizes_get or environ_sizes_get", u32(values[i]), 4, memory);
    store_le<std::uint32_t>(at, 0);
  }
  returns(values, kSuccess);
  return nullptr;
}

// CPU time clocks are answered with the monotonic clock: the process's own would be others' time.
clockid_t clock_of(std::uint32_t id) {
  return id == kClockRealtime ? CLOCK_REALTIME : CLOCK_MONOTONIC;
}

wasm_trap_t* write_time(Guest& guest, GuestMemory memory, wasmtime_val_raw_t* values,
                        const char* function, int pointer, int (*read)(clockid_t, timespec*)) {
  auto* at = memory.range(u32(values[pointer]), 8);
  if (!at) return trap_range(guest, function, u32(values[pointer]), 8, memory);
  guest.asked_world = true;
  const std::uint32_t id = u32(values[0]);
  timespec time;
  if (id > kClockIdMax || read(clock_of(id), &time) != 0) {
    returns(values, kInvalid);
    return nullptr;
  }
  store_le<std::uint64_t>(at, static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000u +
                                  static_cast<std::uint64_t>(time.tv_nsec));
  returns(values, kSuccess);
  return nullptr;
}

wasm_trap_t* clock_resolution(Guest& guest, GuestMemory memory, wasmtime_val_raw_t* values) {
  return write_time(guest, memory, values, "clock_res_get", 1, ::clock_getres);
}

wasm_trap_t* clock_time(Guest& guest, GuestMemory memory, wasmtime_val_raw_t* values) {
  return write_time(guest, memory, values, "clock_time_get", 2, ::clock_gettime);
}

wasm_trap_t* random(Guest& guest, GuestMemory memory, wasmtime_val_raw_t* values) {
  const std::size_t size = u32(values[1]);
  auto* at = memory.range(u32(values[0]), size);
  if (!at) return trap_range(guest, "random_get", u32(values[0]), size, memory);
  if (size > kRandomBytesMax) {
    returns(values, kInvalid);
    return nullptr;
  }
  guest.asked_world = true;
  for (std::size_t done = 0; done < size;) {
    const ssize_t got = ::getrandom(at + done, size - done, 0);
    if (got < 0 && errno != EINTR) {
      returns(values, kIo);
      return nullptr;
    }
    if (got > 0) done += static_cast<std::size_t>(got);
  }
  returns(values, kSuccess);
  return nullptr;
}

wasm_trap_t* fd_close(Guest&, GuestMemory, wasmtime_val_raw_t* values) {
  returns(values, standard_stream(u32(values[0])) ? kSuccess : kBadDescriptor);
  return nullptr;
}

wasm_trap_t* fd_seek(Guest&, GuestMemory, wasmtime_val_raw_t* values) {
  returns(values, standard_stream(u32(values[0])) ? kNotSeekable : kBadDescriptor);
  return nullptr;
}

wasm_trap_t* fd_fdstat_get(Guest& guest, GuestMemory memory, wasmtime_val_raw_t* values) {
  auto* at = memory.range(u32(values[1]), 24);
  if (!at) return trap_range(guest, "fd_fdstat_get", u32(values[1]), 24, memory);
  const std::uint32_t fd = u32(values[0]);
  if (!standard_stream(fd)) {
    returns(values, kBadDescriptor);
    return nullptr;
  }
  std::memset(at, 0, 24);
  at[0] = kCharacterDevice;
  store_le<std::uint64_t>(at + 8, kRightPoll | (fd == 0 ? kRightFdRead : kRightFdWrite));
  returns(values, kSuccess);
  return nullptr;
}

template <std::size_t kSize>
wasm_trap_t* fd_filestat_get(Guest& guest, GuestMemory memory, wasmtime_val_raw_t* values) {
  auto* at = memory.range(u32(values[1]), kSize);
  if (!at) return trap_range(guest, "fd_filestat_get", u32(values[1]), kSize, memory);
  if (!standard_stream(u32(values[0]))) {
    returns(values, kBadDescriptor);
    return nullptr;
  }
  std::memset(at, 0, kSize);
  at[16] = kCharacterDevice;
  returns(values, kSuccess);
  return nullptr;
}

// Walks the io vectors; `use` gets each buffer until it returns false.
template <class Use>
wasm_trap_t* each_buffer(Guest& guest, GuestMemory memory, const char* function,
                         std::uint32_t vectors, std::uint32_t count, Use use) {
  auto* at = memory.range(vectors, std::size_t{count} * 8);
  if (!at) return trap_range(guest, function, vectors, std::size_t{count} * 8, memory);
  for (std::uint32_t i = 0; i < count; ++i) {
    const auto offset = load_le<std::uint32_t>(at + 8 * i);
    const auto size = load_le<std::uint32_t>(at + 8 * i + 4);
    auto* bytes = memory.range(offset, size);
    if (!bytes) return trap_range(guest, function, offset, size, memory);
    if (!use(std::string_view(reinterpret_cast<const char*>(bytes), size))) break;
  }
  return nullptr;
}

wasm_trap_t* fd_write(Guest& guest, GuestMemory memory, wasmtime_val_raw_t* values) {
  const std::uint32_t fd = u32(values[0]), count = u32(values[2]);
  auto* written = memory.range(u32(values[3]), 4);
  if (!written) return trap_range(guest, "fd_write", u32(values[3]), 4, memory);
  if (fd != 1 && fd != 2) {
    returns(values, kBadDescriptor);
    return nullptr;
  }
  if (count > kIoVectorsMax) {
    returns(values, kInvalid);
    return nullptr;
  }
  std::size_t total = 0;
  LineBuffer& lines = fd == 1 ? guest.out : guest.err;
  auto* failed =
      each_buffer(guest, memory, "fd_write", u32(values[1]), count, [&](std::string_view text) {
        text = text.substr(0, kWriteBytesMax - total);
        lines.write(text, *guest.host);
        total += text.size();
        return total < kWriteBytesMax;
      });
  if (failed) return failed;
  store_le(written, static_cast<std::uint32_t>(total));
  returns(values, kSuccess);
  return nullptr;
}

// Standard input is at its end.
wasm_trap_t* fd_read(Guest& guest, GuestMemory memory, wasmtime_val_raw_t* values) {
  auto* got = memory.range(u32(values[3]), 4);
  if (!got) return trap_range(guest, "fd_read", u32(values[3]), 4, memory);
  if (u32(values[0]) != 0) {
    returns(values, kBadDescriptor);
    return nullptr;
  }
  store_le<std::uint32_t>(got, 0);
  returns(values, kSuccess);
  return nullptr;
}

// Ends what runs; what that means is for whoever called the guest.
wasm_trap_t* proc_exit(Guest& guest, GuestMemory, wasmtime_val_raw_t* values) {
  guest.exited = true;
  guest.exit_code = u32(values[0]);
  return trap(guest, fmt::format("it exited with code {}", guest.exit_code));
}

constexpr ImportDefinition definitions(const char* name, const char* signature,
                                       wasmtime_func_unchecked_callback_t function) {
  return {name, signature, function};
}

#define TRELLIS_WASI_IMPORTS(FILESTAT_BYTES, POLL)                                            \
  definitions("args_get", "ii:i", enter<always<kSuccess>>),                                   \
      definitions("args_sizes_get", "ii:i", enter<empty_sizes>),                              \
      definitions("environ_get", "ii:i", enter<always<kSuccess>>),                            \
      definitions("environ_sizes_get", "ii:i", enter<empty_sizes>),                           \
      definitions("clock_res_get", "ii:i", enter<clock_resolution>),                          \
      definitions("clock_time_get", "iIi:i", enter<clock_time>),                              \
      definitions("random_get", "ii:i", enter<random>),                                       \
      definitions("sched_yield", ":i", enter<always<kSuccess>>),                              \
      definitions("proc_exit", "i:", enter<proc_exit>),                                       \
      definitions("proc_raise", "i:i", enter<always<kNotImplemented>>),                       \
      definitions("fd_close", "i:i", enter<fd_close>),                                        \
      definitions("fd_read", "iiii:i", enter<fd_read>),                                       \
      definitions("fd_write", "iiii:i", enter<fd_write>),                                     \
      definitions("fd_seek", "iIii:i", enter<fd_seek>),                                       \
      definitions("fd_tell", "ii:i", enter<fd_seek>),                                         \
      definitions("fd_fdstat_get", "ii:i", enter<fd_fdstat_get>),                             \
      definitions("fd_filestat_get", "ii:i", enter<fd_filestat_get<FILESTAT_BYTES>>),         \
      definitions("fd_advise", "iIIi:i", enter<always<kBadDescriptor>>),                      \
      definitions("fd_allocate", "iII:i", enter<always<kBadDescriptor>>),                     \
      definitions("fd_datasync", "i:i", enter<always<kBadDescriptor>>),                       \
      definitions("fd_fdstat_set_flags", "ii:i", enter<always<kBadDescriptor>>),              \
      definitions("fd_fdstat_set_rights", "iII:i", enter<always<kBadDescriptor>>),            \
      definitions("fd_filestat_set_size", "iI:i", enter<always<kBadDescriptor>>),             \
      definitions("fd_filestat_set_times", "iIIi:i", enter<always<kBadDescriptor>>),          \
      definitions("fd_pread", "iiiIi:i", enter<always<kBadDescriptor>>),                      \
      definitions("fd_prestat_get", "ii:i", enter<always<kBadDescriptor>>),                   \
      definitions("fd_prestat_dir_name", "iii:i", enter<always<kBadDescriptor>>),             \
      definitions("fd_pwrite", "iiiIi:i", enter<always<kBadDescriptor>>),                     \
      definitions("fd_readdir", "iiiIi:i", enter<always<kBadDescriptor>>),                    \
      definitions("fd_renumber", "ii:i", enter<always<kBadDescriptor>>),                      \
      definitions("fd_sync", "i:i", enter<always<kBadDescriptor>>),                           \
      definitions("path_create_directory", "iii:i", enter<always<kBadDescriptor>>),           \
      definitions("path_filestat_get", "iiiii:i", enter<always<kBadDescriptor>>),             \
      definitions("path_filestat_set_times", "iiiiIIi:i", enter<always<kBadDescriptor>>),     \
      definitions("path_link", "iiiiiii:i", enter<always<kBadDescriptor>>),                   \
      definitions("path_open", "iiiiiIIii:i", enter<always<kBadDescriptor>>),                 \
      definitions("path_readlink", "iiiiii:i", enter<always<kBadDescriptor>>),                \
      definitions("path_remove_directory", "iii:i", enter<always<kBadDescriptor>>),           \
      definitions("path_rename", "iiiiii:i", enter<always<kBadDescriptor>>),                  \
      definitions("path_symlink", "iiiii:i", enter<always<kBadDescriptor>>),                  \
      definitions("path_unlink_file", "iii:i", enter<always<kBadDescriptor>>),                \
      definitions("sock_accept", "iii:i", enter<always<kBadDescriptor>>),                     \
      definitions("sock_recv", "iiiiii:i", enter<always<kBadDescriptor>>),                    \
      definitions("sock_send", "iiiii:i", enter<always<kBadDescriptor>>),                     \
      definitions("sock_shutdown", "ii:i", enter<always<kBadDescriptor>>), ImportDefinition { \
    "poll_oneoff", "iiii:i", nullptr, enter_waiting<POLL>                                     \
  }

constexpr ImportDefinition kPreview1[] = {TRELLIS_WASI_IMPORTS(64, poll_oneoff)};
constexpr ImportDefinition kUnstable[] = {TRELLIS_WASI_IMPORTS(56, poll_oneoff_unstable)};

#undef TRELLIS_WASI_IMPORTS

}  // namespace

std::span<const ImportDefinition> wasi_imports() { return kPreview1; }
std::span<const ImportDefinition> wasi_unstable_imports() { return kUnstable; }

}  // namespace trellis::engine
