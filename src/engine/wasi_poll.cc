#include "engine/wasi_poll.h"

#include <time.h>

#include <algorithm>
#include <chrono>
#include <cstring>

namespace trellis::engine::wasi {
namespace {

constexpr std::uint32_t kSubscriptionsMax = 1024;
constexpr std::size_t kEventBytes = 32;
enum : std::uint8_t { kClock = 0, kRead = 1, kWrite = 2 };
constexpr std::uint16_t kAbsolute = 1;
constexpr std::int64_t kNanosecondsMax = 1ll << 60;  // 36 years: longer than any deadline

// Where the fields of a subscription lie; the union starts at 16 in both.
struct Layout {
  std::size_t bytes, clock_id, timeout, flags;
};
constexpr Layout kPreview1{48, 16, 24, 40};
constexpr Layout kUnstable{56, 24, 32, 48};  // an identifier precedes the clock id

std::int64_t now_of(std::uint32_t clock) {
  timespec time{};
  ::clock_gettime(clock == kClockRealtime ? CLOCK_REALTIME : CLOCK_MONOTONIC, &time);
  return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

// Nanoseconds until a clock subscription fires; 0 when it already has.
std::int64_t remaining(const std::uint8_t* subscription, const Layout& layout) {
  const auto timeout = static_cast<std::int64_t>(std::min<std::uint64_t>(
      load_le<std::uint64_t>(subscription + layout.timeout), kNanosecondsMax));
  if (!(load_le<std::uint16_t>(subscription + layout.flags) & kAbsolute)) return timeout;
  const std::int64_t now = now_of(load_le<std::uint32_t>(subscription + layout.clock_id));
  return std::max<std::int64_t>(timeout - now, 0);
}

struct Ready {
  std::int64_t after = kNanosecondsMax;  // when the first of them fires
  std::uint32_t events = 0;
};

Ready write_events(const std::uint8_t* subscriptions, std::uint32_t count, std::uint8_t* events,
                   const Layout& layout) {
  Ready ready;
  auto each = [&](auto use) {
    for (std::uint32_t i = 0; i < count; ++i) {
      const std::uint8_t* one = subscriptions + i * layout.bytes;
      const std::uint8_t type = one[8];
      std::uint16_t error = kSuccess;
      std::int64_t after = 0;
      if (type == kClock) {
        if (load_le<std::uint32_t>(one + layout.clock_id) > kClockIdMax) error = kInvalid;
        if (error == kSuccess) after = remaining(one, layout);
      } else if (type > kWrite) {
        error = kInvalid;
      } else if (load_le<std::uint32_t>(one + 16) > 2) {
        error = kBadDescriptor;
      }
      use(one, type, error, after);
    }
  };
  each([&](const std::uint8_t*, std::uint8_t, std::uint16_t, std::int64_t after) {
    ready.after = std::min(ready.after, after);
  });
  // Events may overlap their subscriptions in a hostile guest: each is read before it is
  // overwritten, and what it then reads is its own affair; every access is inside the checked
  // ranges.
  each([&](const std::uint8_t* one, std::uint8_t type, std::uint16_t error, std::int64_t after) {
    if (after > ready.after) return;
    const auto user_data = load_le<std::uint64_t>(one);
    std::uint8_t* event = events + ready.events++ * kEventBytes;
    std::memset(event, 0, kEventBytes);
    store_le(event, user_data);
    store_le(event + 8, error);
    event[10] = type;
  });
  return ready;
}

wasm_trap_t* poll(Guest& guest, GuestMemory memory, const wasmtime_val_t* arguments,
                  wasmtime_val_t* result, const Layout& layout) {
  const std::uint32_t count = u32(arguments[2]);
  result->kind = WASMTIME_I32;
  if (count == 0 || count > kSubscriptionsMax) {
    result->of.i32 = kInvalid;
    return nullptr;
  }
  struct Range {
    std::uint32_t offset;
    std::size_t size;
  };
  const Range ranges[3] = {{u32(arguments[0]), count * layout.bytes},
                           {u32(arguments[1]), count * kEventBytes},
                           {u32(arguments[3]), 4}};
  std::uint8_t* at[3];
  for (int i = 0; i < 3; ++i) {
    at[i] = memory.range(ranges[i].offset, ranges[i].size);
    if (!at[i]) return trap_range(guest, "poll_oneoff", ranges[i].offset, ranges[i].size, memory);
  }
  guest.asked_world = true;
  // What will have happened is known now; the guest sees it only when it runs again.
  const Ready ready = write_events(at[0], count, at[1], layout);
  store_le(at[2], ready.events);
  result->of.i32 = kSuccess;
  if (ready.after > 0) {
    guest.result = result;
    guest.wake_at = {std::chrono::steady_clock::now() + std::chrono::nanoseconds(ready.after)};
    guest.waits = Guest::Waits::until;
  }
  return nullptr;
}

}  // namespace

wasm_trap_t* poll_oneoff(Guest& guest, GuestMemory memory, const wasmtime_val_t* arguments,
                         wasmtime_val_t* result) {
  return poll(guest, memory, arguments, result, kPreview1);
}

wasm_trap_t* poll_oneoff_unstable(Guest& guest, GuestMemory memory, const wasmtime_val_t* arguments,
                                  wasmtime_val_t* result) {
  return poll(guest, memory, arguments, result, kUnstable);
}

}  // namespace trellis::engine::wasi
