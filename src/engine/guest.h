// What the host keeps about one guest: the invocation it serves, what its imports were given and
// left, what it waits for. One per instance, reachable from every host function; lives on the
// instance's core.
#pragma once

#include <wasmtime.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/limits.h"
#include "engine/engine.h"

namespace trellis::engine {

inline constexpr std::size_t kHostCallNameBytesMax = 4096;   // binding, namespace, operation
inline constexpr std::size_t kGuestErrorBytesMax = 1 << 20;  // the text of __guest_error

// Bytes of a stream cut into lines of at most kGuestLogBytesMax.
class LineBuffer {
 public:
  void write(std::string_view text, HostCalls& host);
  void flush(HostCalls& host);

 private:
  std::string pending_;
};

struct Guest {
  enum class Waits : std::uint8_t { no, host_call, until };
  struct HostCallRequest {  // views into guest memory, good while the guest is suspended
    std::string_view binding, contract_or_actor, operation;
    BytesView payload;
  };

  HostCalls* host = nullptr;
  wasmtime_memory_t memory{};
  bool has_memory = false;

  // The invocation (protocol.md §1.2). The views are the caller's, good until its task ends.
  std::string_view operation;
  BytesView payload;
  runtime::Deadline deadline{};
  std::uint32_t depth = 0;
  Bytes response;
  std::string error;

  // The last __host_call.
  HostCallRequest request;
  Bytes host_response;
  std::string host_error;

  // A suspended import: what it waits for and where its result goes.
  Waits waits = Waits::no;
  runtime::Deadline wake_at{};
  wasmtime_val_t* result = nullptr;

  // Why the engine stopped it, when the reason is ours.
  std::string fault;  // a host function's words
  bool timed_out = false;
  bool exited = false;
  std::uint32_t exit_code = 0;

  std::size_t memory_bytes_max = 0;   // what it may grow to
  std::size_t memory_bytes_used = 0;  // when it was stopped

  // The next epoch tick is free: the ticks of the time it waited are not its own.
  bool rested = false;

  // It was told what another instance might not be told: the time, chance, an answer.
  bool asked_world = false;

  LineBuffer out, err;

  void begin(std::string_view op, BytesView bytes, runtime::Deadline until, std::uint32_t d) {
    operation = op;
    payload = bytes;
    deadline = until;
    depth = d;
    response.clear();
    error.clear();
    host_response.clear();
    host_error.clear();
  }
  void finish_wait(std::int32_t value) {
    result->kind = WASMTIME_I32;
    result->of.i32 = value;
    waits = Waits::no;
    rested = true;
  }
};

}  // namespace trellis::engine
