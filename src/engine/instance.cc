#include "engine/instance.h"

#include <fmt/format.h>
#include <sys/mman.h>

#include <boost/asio/this_coro.hpp>

#include "base/limits.h"
#include "base/log.h"
#include "engine/wasmtime_shim.h"

namespace trellis::engine {
namespace {

constexpr const char* kApiVersionExport = "__wasmbus_rpc_version";
// A short call that meets a tick must not lose its turn; only the second tick costs it.
constexpr std::uint64_t kFirstSliceTicks = 2;
constexpr std::uint64_t kSliceTicks = 1;
// A page costs about 0.1 µs to put back and 1.5 µs to be new, measured; so neither those that write
// much nor those that did once pay more than about twice what would be best for them.
constexpr unsigned kDearRestoresMax = 16;

// The engine asks at a tick what to do with the guest that runs.
wasmtime_error_t* on_tick(wasmtime_context_t*, void* data, std::uint64_t* ticks_more,
                          wasmtime_update_deadline_kind_t* kind) {
  Guest& guest = *static_cast<Guest*>(data);
  if (guest.deadline.expired()) {
    guest.timed_out = true;
    return wasmtime_error_new("its deadline passed");
  }
  if (guest.rested) {
    guest.rested = false;
    *ticks_more = kFirstSliceTicks;
    *kind = WASMTIME_UPDATE_DEADLINE_CONTINUE;
  } else {
    *ticks_more = kSliceTicks;
    *kind = WASMTIME_UPDATE_DEADLINE_YIELD;
  }
  return nullptr;
}

}  // namespace

Instance::Instance(const LoadedModule& module, HostCalls& host, std::size_t memory_bytes_max,
                   const CoreShare& core, runtime::Deadline deadline, Startup startup,
                   std::shared_ptr<GuestCells> cells)
    : module_(module),
      ticker_(core.ticker),
      cell_(core.cell),
      memory_(core.budget, *module.profile().slots, module.profile().kept_bytes, memory_bytes_max,
              std::move(cells)),
      learn_version_(startup == Startup::first),
      log_startup_(startup == Startup::first) {
  guest_.host = &host;
  guest_.deadline = deadline;
  guest_.memory_bytes_max = memory_bytes_max;
  store_.reset(wasmtime_store_new(module.profile().engine.get(), &guest_, nullptr));
  context_ = wasmtime_store_context(store_.get());
  trellis_store_limiter_set(store_.get(), &memory_);
  wasmtime_store_epoch_deadline_callback(store_.get(), on_tick, &guest_, nullptr);
  wasmtime_context_set_epoch_deadline(context_, kFirstSliceTicks);
  future_.reset(
      wasmtime_instance_pre_instantiate_async(module.pre(), context_, &instance_, &trap_, &error_));
}

Instance::~Instance() {
  future_.reset();
  take_outcome();  // what an unfinished operation may have left
}

bool Instance::step(std::chrono::steady_clock::time_point begun) {
  const bool ended = run();
  const std::chrono::nanoseconds took = std::chrono::steady_clock::now() - begun;
  memory_.cells().run_ns += static_cast<std::uint64_t>(took.count());
  return ended;
}

bool Instance::run() {
  EpochTicker::Running running(ticker_, cell_);
  for (;;) {
    if (!wasmtime_call_future_poll(future_.get())) return false;
    future_.reset();
    take_outcome();
    if (operation_ended()) return true;
  }
}

void Instance::take_outcome() {
  outcome_.trap.reset(std::exchange(trap_, nullptr));
  outcome_.error.reset(std::exchange(error_, nullptr));
}

bool Instance::operation_ended() {
  switch (phase_) {
    case Phase::instantiating:
      if (!outcome_.ok()) break;
      find_exports();
      phase_ = Phase::starting_up;
      if (begin_startup()) return false;
      break;
    case Phase::starting_up:
      if (guest_.timed_out) break;
      end_startup();
      if (begin_startup()) return false;
      break;
    case Phase::calling:
    case Phase::idle:
      guest_.out.flush(*guest_.host);
      guest_.err.flush(*guest_.host);
      break;
  }
  if (!outcome_.ok() && guest_.has_memory)
    guest_.memory_bytes_used = wasmtime_memory_data_size(context_, &guest_.memory);
  phase_ = Phase::idle;
  return true;
}

bool Instance::find_exports() {
  wasmtime_extern_t item;
  if (!wasmtime_instance_export_get(context_, &instance_, "__guest_call", 12, &item)) return false;
  call_ = item.of.func;
  if (!wasmtime_instance_export_get(context_, &instance_, "memory", 6, &item)) return false;
  guest_.memory = item.of.memory;
  guest_.has_memory = true;
  return true;
}

void Instance::begin(const wasmtime_func_t& function, std::size_t arguments, std::size_t results) {
  wasmtime_context_set_epoch_deadline(context_, kFirstSliceTicks);
  guest_.rested = false;
  future_.reset(wasmtime_func_call_async(context_, &function, arguments_, arguments, &result_,
                                         results, &trap_, &error_));
}

// The next start-up export, or false when none is left.
bool Instance::begin_startup() {
  std::size_t results = 1;
  if (learn_version_ && module_.has_api_version()) {
    startup_name_ = kApiVersionExport;
  } else if (startup_next_ < module_.startup_exports().size()) {
    const auto& next = module_.startup_exports()[startup_next_++];
    startup_name_ = next.name;
    results = next.results;
  } else {
    return false;
  }
  wasmtime_extern_t item;
  if (!wasmtime_instance_export_get(context_, &instance_, startup_name_.data(),
                                    startup_name_.size(), &item)) {
    return false;
  }
  startup_function_ = item.of.func;
  begin(startup_function_, 0, results);
  return true;
}

// Its result and its trap are ignored (docs/protocol.md §1.2): TinyGo's _start ends in proc_exit.
void Instance::end_startup() {
  if (startup_name_ == kApiVersionExport) {
    learn_version_ = false;
    if (outcome_.ok()) api_version_ = result_.of.i32;
  }
  if (log_startup_ && !outcome_.ok() && !(guest_.exited && guest_.exit_code == 0)) {
    LOG(warn, "{} of the actor failed at its start and is ignored: {}", startup_name_,
        trap_text(outcome_, guest_));
  }
  outcome_ = {};
  guest_.fault.clear();
  guest_.exited = false;
  guest_.out.flush(*guest_.host);
  guest_.err.flush(*guest_.host);
}

void Instance::begin_call(std::string_view operation, BytesView payload, runtime::Deadline deadline,
                          std::uint32_t depth) {
  guest_.begin(operation, payload, deadline, depth);
  memory_.begin_call();
  arguments_[0].kind = arguments_[1].kind = WASMTIME_I32;
  arguments_[0].of.i32 = static_cast<std::int32_t>(operation.size());
  arguments_[1].of.i32 = static_cast<std::int32_t>(payload.size());
  result_.kind = WASMTIME_I32;
  result_.of.i32 = 0;
  phase_ = Phase::calling;
  begin(call_, 2, 1);
}

bool Instance::find_restored_globals() {
  if (!restored_globals_.empty()) return true;
  for (const std::string& name : module_.restored_globals()) {
    wasmtime_extern_t item;
    if (!wasmtime_instance_export_get(context_, &instance_, name.data(), name.size(), &item))
      return false;
    restored_globals_.push_back(item.of.global);
  }
  return !restored_globals_.empty();
}

Result<std::unique_ptr<const InstanceImage>> Instance::take_image(const PageMap& map) {
  const auto refuse = [](std::string why) {
    return fail(Errc::invalid, "engine.image", std::move(why));
  };
  if (guest_.asked_world) return refuse("its start asks for the time, chance or an answer");
  if (!find_restored_globals()) return refuse("its globals are not exported");
  if (memory_.refused()) return refuse("its start was refused memory");
  std::uint8_t* memory = wasmtime_memory_data(context_, &guest_.memory);
  const std::size_t bytes = wasmtime_memory_data_size(context_, &guest_.memory);
  if (bytes > limits::kRestoredMemoryBytesMax) {
    return refuse(fmt::format("it starts with {} KiB of memory, more than {}", bytes >> 10,
                              limits::kRestoredMemoryBytesMax >> 10));
  }
  if (!touched_.refresh(map, {memory, bytes})) return refuse("the kernel does not tell its pages");
  std::vector<wasmtime_val_t> globals(restored_globals_.size());
  for (std::size_t i = 0; i < globals.size(); ++i)
    wasmtime_global_get(context_, &restored_globals_[i], &globals[i]);
  auto image = std::make_unique<const InstanceImage>(BytesView{memory, bytes},
                                                     touched_.pages().size(), std::move(globals));
  // Reading it brought every page in. They would count as written for whoever gets this slot next.
  ::madvise(memory, bytes, MADV_DONTNEED);
  return image;
}

bool Instance::is_restorable() const {
  if (module_.image() == nullptr || phase_ != Phase::idle) return false;
  // Less than the image: its own start was refused what the image's was given.
  const std::size_t bytes = wasmtime_memory_data_size(context_, &guest_.memory);
  const std::size_t at_start = module_.image()->memory_bytes();
  return bytes >= at_start && bytes <= at_start + limits::kRestoredGrowthBytesMax;
}

bool Instance::restore(const PageMap& map) {
  const InstanceImage& image = *module_.image();
  std::uint8_t* memory = wasmtime_memory_data(context_, &guest_.memory);
  const std::size_t bytes = wasmtime_memory_data_size(context_, &guest_.memory);
  if (!find_restored_globals() || !touched_.refresh(map, {memory, bytes})) return false;
  // All that earlier calls wrote, not only the last. Whether each writes so much cannot be seen, so
  // the instance is renewed now and then: one large call must not make all later ones dear.
  const std::size_t usual = image.pages_written() + limits::kRestoredPagesMax;
  if (touched_.pages().size() > usual && ++dear_restores_ > kDearRestoresMax) return false;
  for (const std::uint32_t page : touched_.pages()) image.restore_page(memory, page);
  for (std::size_t i = 0; i < restored_globals_.size(); ++i) {
    ErrorHandle error(wasmtime_global_set(context_, &restored_globals_[i], &image.globals()[i]));
    if (error) return false;
  }
  return true;
}

bool Instance::pool_was_full() const {
  return outcome_.error && trellis_error_is_pool_exhausted(outcome_.error.get());
}

runtime::Task<void> serve_wait(Guest& guest) {
  runtime::Core& core = runtime::Core::current();
  switch (guest.waits) {
    case Guest::Waits::host_call: {
      const auto& request = guest.request;
      auto answer = co_await guest.host->host_call(request.binding, request.contract_or_actor,
                                                   request.operation, request.payload,
                                                   guest.deadline, guest.depth);
      const bool answered = answer.has_value();
      if (answered)
        guest.host_response = *std::move(answer);
      else
        guest.host_error = std::move(answer).error().detail;
      guest.finish_wait(answered ? 1 : 0);
      break;
    }
    case Guest::Waits::until: {
      auto slept = co_await core.sleep_until(guest.wake_at.earlier_of(guest.deadline));
      if (!slept) co_return fail(std::move(slept).error());
      guest.finish_wait(0);
      break;
    }
    case Guest::Waits::no:
      co_await core.yield_low_priority();
      break;
  }
  if (guest.deadline.expired()) {
    guest.timed_out = true;
    co_return fail(Errc::timeout, "engine.call");
  }
  const auto cancellation = co_await runtime::asio::this_coro::cancellation_state;
  if (cancellation.cancelled() != runtime::asio::cancellation_type::none)
    co_return fail(Errc::cancelled, "engine.call", "the call is no longer wanted");
  co_return Result<void>();
}

}  // namespace trellis::engine
