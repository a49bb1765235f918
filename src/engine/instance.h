// One instance of a module: its store, its memory, its fiber. Made, started up and called in steps,
// so that whoever drives it decides what happens while it waits. Owned by a pool; lives on one
// core; one operation at a time. Destroying it at any point is safe: a suspended guest is unwound.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string_view>

#include "engine/c_handle.h"
#include "engine/epoch_ticker.h"
#include "engine/guest.h"
#include "engine/loaded_module.h"
#include "engine/memory_budget.h"
#include "engine/touched_pages.h"
#include "engine/trap_text.h"

namespace trellis::engine {

struct CoreShare {  // what the guests of a core use together
  EpochTicker& ticker;
  EpochTicker::Cell& cell;  // tells the ticker that a guest runs here
  MemoryBudget& budget;
};

// The first instance of a module also calls __wasmbus_rpc_version and logs start-up exports that
// fail; doing so with every call's instance would tell nothing new.
enum class Startup { first, later };

class Instance {
 public:
  // `cells` counts what it uses.
  Instance(const LoadedModule& module, HostCalls& host, std::size_t memory_bytes_max,
           const CoreShare& core, runtime::Deadline deadline, Startup startup,
           std::shared_ptr<GuestCells> cells = std::make_shared<GuestCells>());
  ~Instance();
  Instance(const Instance&) = delete;
  Instance& operator=(const Instance&) = delete;

  // Runs the guest until the operation has ended (true) or waits (false): then what it waits for is
  // due, see serve_wait(), and step() comes again. The first operation is its creation. What it
  // took counts as the guest's: guests run on the core's own thread, and nothing of ours interrupts
  // them. `begun`: the clock, by whoever has just looked at it.
  bool step(std::chrono::steady_clock::time_point begun = std::chrono::steady_clock::now());
  void begin_call(std::string_view operation, BytesView payload, runtime::Deadline deadline,
                  std::uint32_t depth);

  // How the last operation ended.
  const Outcome& outcome() const { return outcome_; }
  bool pool_was_full() const;
  // It was refused memory because all guests together have as much as they may.
  bool memory_was_refused() const { return memory_.refused(); }
  // Its creation failed, and might not have if there were fewer instances.
  bool found_no_room() const { return !outcome_.ok() && (pool_was_full() || memory_was_refused()); }
  std::size_t guest_memory_bytes_max() const { return memory_.budget().bytes_max(); }
  std::int32_t call_result() const { return result_.of.i32; }
  int api_version() const { return api_version_; }

  Guest& guest() { return guest_; }

  // What it holds; right after its creation, and the last that is asked of it. An error says why
  // others of its module cannot be made the same.
  Result<std::unique_ptr<const InstanceImage>> take_image(const PageMap& map);
  // After a call that ended well: whether restore() may be tried.
  bool is_restorable() const;
  // Makes everything as it was after its creation, so that no later call can tell that there was
  // one. False: it cannot, and the instance must go.
  bool restore(const PageMap& map);

 private:
  enum class Phase { instantiating, starting_up, idle, calling };
  bool run();
  bool find_restored_globals();
  bool operation_ended();  // false: another operation was begun
  bool find_exports();
  bool begin_startup();
  void end_startup();
  void begin(const wasmtime_func_t& function, std::size_t arguments, std::size_t results);
  void take_outcome();

  const LoadedModule& module_;
  EpochTicker& ticker_;
  EpochTicker::Cell& cell_;
  Guest guest_;
  MemoryShare memory_;
  StoreHandle store_;
  wasmtime_context_t* context_ = nullptr;
  wasmtime_instance_t instance_{};
  wasmtime_func_t call_{}, startup_function_{};
  Phase phase_ = Phase::instantiating;
  std::size_t startup_next_ = 0;
  bool learn_version_;
  const bool log_startup_;
  int api_version_ = 0;
  std::string_view startup_name_;
  Outcome outcome_;

  TouchedPages touched_;
  unsigned dear_restores_ = 0;                       // with more pages than is usual
  std::vector<wasmtime_global_t> restored_globals_;  // once they were needed

  // The engine keeps pointers to these while an operation is under way.
  wasm_trap_t* trap_ = nullptr;
  wasmtime_error_t* error_ = nullptr;
  wasmtime_val_t arguments_[2], result_;
  FutureHandle future_;  // destroyed first: it refers to all of the above
};

// Does what a suspended guest waits for: its host call, its clock, its turn. Fails when the guest
// must not be resumed: at its deadline, or when nobody waits for it any more.
runtime::Task<void> serve_wait(Guest& guest);

}  // namespace trellis::engine
