#include "engine/engine.h"

#include <fmt/format.h>
#include <malloc.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>
#include <thread>

#include "base/log.h"
#include "engine/code_cache.h"
#include "engine/core_guests.h"
#include "engine/epoch_ticker.h"
#include "engine/instance.h"
#include "engine/known_modules.h"
#include "engine/loaded_module.h"
#include "engine/memory_budget.h"
#include "engine/pool.h"
#include "engine/profile.h"
#include "engine/wasm_sections.h"
#include "engine/wasmtime_shim.h"

namespace trellis::engine {
namespace {

using namespace std::chrono_literals;

constexpr std::uint32_t kInstancesMin = 8;
constexpr auto kStartupTimeout = 2s;
constexpr const char* kNoImage = "engine.image";
constexpr std::size_t kStartPart = 8;  // of all guests' memory, one in so many is not for growth

// What a module meets when it is started for the first time only to see that it can be.
class NoHost final : public HostCalls {
 public:
  runtime::Task<Bytes> host_call(std::string_view, std::string_view, std::string_view, BytesView,
                                 runtime::Deadline, std::uint32_t) override {
    co_return fail(Errc::unavailable, "engine.load",
                   "an actor cannot call others while it is loaded");
  }
  void guest_log(std::string_view) override {}
};

struct Profiles {
  Profile small, large;
};

// Fewer instances where the address space is limited (ulimit -v, sanitizers): each reserves 4 GiB.
Result<Profiles> create_profiles(std::uint32_t instances, std::size_t memory_bytes_max) {
  for (;;) {
    auto small = Profile::create(GuestSize::small, instances, memory_bytes_max);
    if (small) {
      auto large = Profile::create(GuestSize::large, instances, memory_bytes_max);
      if (large) return Profiles{*std::move(small), *std::move(large)};
      small = fail(std::move(large).error());
    }
    if (instances <= kInstancesMin) return fail(std::move(small).error());
    LOG(debug, "{}; trying half as many", small.error().detail);
    instances = std::max(instances / 2, kInstancesMin);
    LOG(warn, "address space is limited: room for at most {} guest instances", instances);
  }
}

Result<ModuleHandle> compile_unchanged(wasm_engine_t* engine, BytesView wasm) {
  wasmtime_module_t* module = nullptr;
  ErrorHandle error(wasmtime_module_new(engine, wasm.data(), wasm.size(), &module));
  if (error) {
    return fail(Errc::invalid, "engine.compile",
                fmt::format("the module cannot be compiled: {}", text_of(error.get())));
  }
  return ModuleHandle(module);
}

// As one that can be restored where it is of that kind and nothing else is wrong with it.
Result<Code> compile_code(wasm_engine_t* engine, BytesView wasm) {
  wasm_byte_vec_t changed;
  if (trellis_module_restorable(wasm.data(), wasm.size(), &changed)) {
    auto module = compile_unchanged(
        engine, {reinterpret_cast<const std::uint8_t*>(changed.data), changed.size});
    wasm_byte_vec_delete(&changed);
    if (module) return Code{*std::move(module), true};
  }
  TRY(auto module, compile_unchanged(engine, wasm));
  return Code{std::move(module), false};
}

class WasmtimeEngine final : public Engine, private GuestsOfCores {
 public:
  WasmtimeEngine(EngineOptions options, Profiles profiles, runtime::Offload& offload)
      : options_(std::move(options)),
        profiles_(std::move(profiles)),
        budget_(options_.guest_memory_bytes_max, options_.guest_memory_bytes_max / kStartPart),
        ticker_({profiles_.small.engine.get(), profiles_.large.engine.get()}),
        cache_(options_.cache_dir, trellis_engine_compatibility_hash(profiles_.small.engine.get())),
        offload_(offload) {}

  runtime::Task<std::shared_ptr<const Module>> load(BytesView wasm) override;
  std::unique_ptr<InstancePool> make_pool(std::shared_ptr<const Module> module, HostCalls& host,
                                          PoolOptions options) override;
  EngineNumbers numbers() const override {
    return {.shared = shared_.load(std::memory_order_relaxed),
            .cached = cached_.load(std::memory_order_relaxed),
            .compiled = compiled_.load(std::memory_order_relaxed),
            .compiling = std::chrono::nanoseconds(compiling_ns_.load(std::memory_order_relaxed)),
            .memory_bytes_used = budget_.bytes_used(),
            .memory_bytes_max = budget_.bytes_max()};
  }

 private:
  struct Compiled {
    std::shared_ptr<const LoadedModule> known;  // then the rest is empty
    Code code;
    ModuleInfo info;
    const Profile* profile = nullptr;
  };
  Result<std::shared_ptr<Compiled>> compile(BytesView wasm);
  runtime::Task<std::unique_ptr<Instance>> started(const LoadedModule& module, HostCalls& host,
                                                   Startup startup);
  runtime::Task<std::unique_ptr<const InstanceImage>> image_of(const LoadedModule& module);
  std::shared_ptr<CoreGuests> here() override;

  const EngineOptions options_;
  const Profiles profiles_;
  MemoryBudget budget_;
  EpochTicker ticker_;
  const CodeCache cache_;
  runtime::Offload& offload_;
  const std::unique_ptr<PageMap> pages_ = PageMap::open();
  KnownModules known_;
  // Counted on the offload threads, once for each module that is loaded.
  std::atomic<std::uint64_t> shared_{0}, cached_{0}, compiled_{0};
  std::atomic<std::int64_t> compiling_ns_{0};
  std::mutex cores_mutex_;  // pools ask once each
  std::map<runtime::Core*, std::shared_ptr<CoreGuests>> cores_;
};

// On an offload thread.
Result<std::shared_ptr<WasmtimeEngine::Compiled>> WasmtimeEngine::compile(BytesView wasm) {
  auto compiled = std::make_shared<Compiled>();
  compiled->info.content_hash = sha256_hex(wasm);
  compiled->known = known_.find(compiled->info.content_hash);
  if (compiled->known) {
    shared_.fetch_add(1, std::memory_order_relaxed);
    return compiled;
  }
  const auto pages = memory_pages_min(wasm).value_or(0);
  compiled->profile = pages <= kSmallGuestPagesMax ? &profiles_.small : &profiles_.large;
  wasm_engine_t* engine = compiled->profile->engine.get();
  compiled->code = cache_.find(engine, compiled->info.content_hash);
  if (compiled->code.module) {
    compiled->info.from_cache = true;
    cached_.fetch_add(1, std::memory_order_relaxed);
    return compiled;
  }
  const auto begun = std::chrono::steady_clock::now();
  TRY(compiled->code, compile_code(engine, wasm));
  const std::chrono::nanoseconds took = std::chrono::steady_clock::now() - begun;
  compiling_ns_.fetch_add(took.count(), std::memory_order_relaxed);
  compiled_.fetch_add(1, std::memory_order_relaxed);
  cache_.keep(compiled->code, compiled->info.content_hash);
  ::malloc_trim(0);  // the compiler's working memory, tens of MiB
  return compiled;
}

runtime::Task<std::shared_ptr<const Module>> WasmtimeEngine::load(BytesView wasm) {
  if (wasm.size() > limits::kModuleBytesMax) {
    co_return fail(Errc::exhausted, "engine.load",
                   fmt::format("the module has {} bytes; {} are allowed", wasm.size(),
                               limits::kModuleBytesMax));
  }
  if (is_wasm_component(wasm)) {
    co_return fail(Errc::invalid, "engine.load",
                   "this is a component; actors are core modules with __guest_call");
  }
  if (!is_wasm_module(wasm))
    co_return fail(Errc::invalid, "engine.load", "this is not a WebAssembly module");
  CO_TRY(auto compiled,
         co_await offload_.run<std::shared_ptr<Compiled>>([this, wasm] { return compile(wasm); }));
  if (compiled->known) co_return std::move(compiled->known);
  CO_TRY(auto module, LoadedModule::create(*compiled->profile, std::move(compiled->code),
                                           std::move(compiled->info)));
  NoHost host;
  CO_TRY(auto first, co_await started(*module, host, Startup::first));
  module->set_api_version(first->api_version());
  first.reset();  // its room is for the next
  if (pages_) {
    auto image = co_await image_of(*module);
    if (image) {
      module->set_image(*std::move(image));
    } else {
      if (image.error().code == Errc::cancelled) co_return fail(std::move(image).error());
      LOG(info, "each call of module {} gets a new instance: {}", module->info().content_hash,
          image.error().detail);
    }
  }
  co_return known_.add(std::move(module));
}

// A new instance of the module, outside any pool, once it has started. The later one is for an
// image, which a start that waits for the world has not.
runtime::Task<std::unique_ptr<Instance>> WasmtimeEngine::started(const LoadedModule& module,
                                                                 HostCalls& host, Startup startup) {
  const auto guests = here();
  const auto deadline = runtime::Deadline::in(kStartupTimeout);
  auto start = [&] {
    return std::make_unique<Instance>(module, host, options_.memory_bytes_max, guests->share(),
                                      deadline, startup);
  };
  auto instance = start();
  bool ended = instance->step();
  while (ended && instance->found_no_room() && guests->drop_warm()) {
    instance.reset();
    instance = start();
    ended = instance->step();
  }
  while (!ended) {
    if (startup == Startup::later && instance->guest().waits != Guest::Waits::no)
      co_return fail(Errc::invalid, kNoImage, "its start waits for a time or an answer");
    if (auto served = co_await serve_wait(instance->guest()); !served) {
      if (served.error().code != Errc::timeout) co_return fail(std::move(served).error());
      break;
    }
    ended = instance->step();
  }
  if (instance->guest().timed_out) {
    co_return fail(
        Errc::timeout, "engine.load",
        fmt::format("the module's start-up did not end within {} s", kStartupTimeout.count()));
  }
  if (instance->pool_was_full()) {
    co_return fail(Errc::exhausted, "engine.instances",
                   "no room to start the module: the host runs as many guests as it may");
  }
  if (!instance->outcome().ok() && instance->memory_was_refused()) {
    co_return fail(Errc::exhausted, "engine.memory",
                   fmt::format("no memory to start the module: all guests of this host together "
                               "may have {} MiB (TRELLIS_GUEST_MEMORY_MIB)",
                               budget_.bytes_max() >> 20));
  }
  if (!instance->outcome().ok()) {
    co_return fail(Errc::trapped, "engine.load",
                   fmt::format("the module cannot be started: {}",
                               trap_text(instance->outcome(), instance->guest())));
  }
  co_return instance;
}

// Without one each call gets a new instance.
runtime::Task<std::unique_ptr<const InstanceImage>> WasmtimeEngine::image_of(
    const LoadedModule& module) {
  if (module.restored_globals().empty())
    co_return fail(Errc::invalid, kNoImage, "it writes tables, or has state like them");
  NoHost host;
  CO_TRY(const auto instance, co_await started(module, host, Startup::later));
  co_return instance->take_image(*pages_);
}

std::unique_ptr<InstancePool> WasmtimeEngine::make_pool(std::shared_ptr<const Module> module,
                                                        HostCalls& host, PoolOptions options) {
  options.memory_bytes_max = std::min(options.memory_bytes_max, options_.memory_bytes_max);
  GuestsOfCores& cores = *this;
  return std::make_unique<Pool>(cores,
                                std::static_pointer_cast<const LoadedModule>(std::move(module)),
                                host, std::move(options));
}

std::shared_ptr<CoreGuests> WasmtimeEngine::here() {
  runtime::Core& core = runtime::Core::current();
  std::lock_guard lock(cores_mutex_);
  auto& guests = cores_[&core];
  if (!guests) {
    const std::size_t kept_max = std::max(
        options_.instances_max / (2 * std::max(std::thread::hardware_concurrency(), 1u)), 1u);
    guests = std::make_shared<CoreGuests>(core, ticker_, budget_, pages_.get(), kept_max);
  }
  return guests;
}

}  // namespace

Result<std::unique_ptr<Engine>> Engine::create(EngineOptions options, runtime::Offload& offload) {
  options.instances_max =
      instances_that_fit(std::max(options.instances_max, kInstancesMin), map_count_max());
  TRY(auto profiles, create_profiles(options.instances_max, options.memory_bytes_max));
  return std::make_unique<WasmtimeEngine>(std::move(options), std::move(profiles), offload);
}

}  // namespace trellis::engine
