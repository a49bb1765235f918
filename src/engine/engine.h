// The Wasm engine: Engine (process) → Module (compiled, shared by all cores) → instances (one core,
// one call at a time). Knows guests and their imports, not the lattice: what a guest asks of the
// world goes through HostCalls, which host/ implements.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/limits.h"
#include "base/result.h"
#include "engine/guest_cells.h"
#include "runtime/core.h"
#include "runtime/offload.h"

namespace trellis::engine {

struct EngineOptions {
  std::string cache_dir = "";  // private folder for compiled code; "" compiles each time
  std::uint32_t instances_max = limits::kInstancesLiveMax;
  std::size_t memory_bytes_max = limits::kGuestMemoryBytesMax;  // of one instance
  std::size_t guest_memory_bytes_max = SIZE_MAX;                // of all together
};

// What a guest's imports call. One object per actor and core; lives longer than its calls.
class HostCalls {
 public:
  virtual ~HostCalls() = default;
  // __host_call. The views point into guest memory and stay valid until the task ends. The error's
  // detail becomes the guest's host error text. Must end by `deadline`.
  virtual runtime::Task<Bytes> host_call(std::string_view binding,
                                         std::string_view contract_or_actor,
                                         std::string_view operation, BytesView payload,
                                         runtime::Deadline deadline, std::uint32_t depth) = 0;
  // __console_log, and lines a WASI guest writes to stdout or stderr.
  virtual void guest_log(std::string_view line) = 0;
};

struct ModuleInfo {
  bool imports_wasi = false;
  int api_version = 0;  // __wasmbus_rpc_version, 0 when absent
  std::uint32_t memory_pages_min = 0;
  std::string content_hash;  // sha-256 hex of the bytes that were loaded
  bool from_cache = false;
};

// Compiled code. Immutable; any core.
class Module {
 public:
  virtual ~Module() = default;
  virtual const ModuleInfo& info() const = 0;
};

enum class InstanceMode { fresh, reuse };

struct PoolOptions {
  std::string actor_name = "actor";  // for error texts: "actor echo (M…)"
  InstanceMode mode = InstanceMode::fresh;
  std::uint32_t reuse_max = 1;  // live instances kept on this core in reuse mode
  std::size_t memory_bytes_max = limits::kGuestMemoryBytesMax;
  std::shared_ptr<GuestCells> cells = std::make_shared<GuestCells>();  // of the pool's core
};

// Runs calls into one module on one core. In `fresh` mode each call finds an instance as it is
// right after its start: a new one, or where the module allows it (wasmtime/src/restorable.rs) a
// used one whose memory and globals were put back, which costs a fraction. Either is made ready
// ahead of time when the core is idle. In `reuse` mode at most reuse_max instances are kept and
// calls beyond them wait. After a trap or a timeout the instance is gone.
class InstancePool {
 public:
  virtual ~InstancePool() = default;  // no call may be running
  // One invocation (__guest_call). Errors: guest said no → Errc::invalid, site "guest.error",
  // detail = its text verbatim; trap → trapped, detail names actor, operation, trap and backtrace;
  // deadline → timeout; no room for another instance, or a trap after memory was refused because
  // all guests have theirs → exhausted.
  virtual runtime::Task<Bytes> call(std::string_view operation, BytesView payload,
                                    runtime::Deadline deadline, std::uint32_t depth) = 0;
  virtual std::uint32_t running() const = 0;
  // Since the start; calls beyond their number had one that was restored or reused.
  virtual std::uint64_t instances_made() const = 0;
  virtual void set_reuse_max(std::uint32_t count) = 0;
};

struct EngineNumbers {
  // Loads by where the code came from: another actor has it, the folder of the cache, the compiler.
  std::uint64_t shared = 0, cached = 0, compiled = 0;
  std::chrono::nanoseconds compiling{};                     // of all those
  std::size_t memory_bytes_used = 0, memory_bytes_max = 0;  // of all guests together
};

class Engine {
 public:
  static Result<std::unique_ptr<Engine>> create(EngineOptions options, runtime::Offload& offload);
  virtual ~Engine() = default;

  // Compiles (off the core) or takes from the cache, checks imports and exports, runs the start-up
  // exports once in a scratch instance to learn api_version. Equal bytes give the same module while
  // anybody holds it. Errors say what is missing: "module
  // imports env.foo, which no host provides", "module exports no __guest_call".
  virtual runtime::Task<std::shared_ptr<const Module>> load(BytesView wasm) = 0;
  virtual std::unique_ptr<InstancePool> make_pool(std::shared_ptr<const Module> module,
                                                  HostCalls& host, PoolOptions options) = 0;
  virtual EngineNumbers numbers() const = 0;  // any thread
};

}  // namespace trellis::engine
