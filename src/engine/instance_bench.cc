// What one call costs inside the process, in CPU time of the core: on a fresh instance (made when
// it is needed, or ready ahead of time), on a reused one, with a host call; and how long a module
// whose code is cached takes to load. With TRELLIS_FIXTURES also for the real Rust echo.wasm.
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include <boost/asio/post.hpp>

#include "base/check.h"
#include "engine/c_handle.h"
#include "engine/engine.h"
#include "engine/test_guest.h"
#include "runtime/core.h"

namespace trellis::engine {
namespace {

class AnsweringHost final : public HostCalls {
 public:
  runtime::Task<Bytes> host_call(std::string_view, std::string_view, std::string_view,
                                 BytesView payload, runtime::Deadline, std::uint32_t) override {
    co_return Bytes(payload.begin(), payload.end());
  }
  void guest_log(std::string_view) override {}
};

// What every benchmark shares. In main(), whose frame outlives them.
struct World {
  std::unique_ptr<runtime::Cores> cores = *runtime::Cores::start({.count = 1, .pin = true});
  runtime::Offload offload{1};
  std::filesystem::path folder =
      std::filesystem::temp_directory_path() / fmt::format("instance_bench.{}", ::getpid());
  std::unique_ptr<Engine> engine = *Engine::create({.cache_dir = folder.string()}, offload);
  AnsweringHost host;
  Bytes small, two_pages, rust;

  ~World() {
    engine.reset();
    cores->stop();
    std::filesystem::remove_all(folder);
  }
};

Bytes from_wat(std::string_view text) {
  wasm_byte_vec_t wasm;
  ErrorHandle error(wasmtime_wat2wasm(text.data(), text.size(), &wasm));
  CHECK(!error);
  Bytes bytes(wasm.data, wasm.data + wasm.size);
  wasm_byte_vec_delete(&wasm);
  return bytes;
}

struct Scenario {
  const char* name;
  Bytes World::* wasm;
  InstanceMode mode;
  bool let_loop_run;  // between calls, so that the next instance is made ready meanwhile
  const char* operation;
  std::string payload;
};

runtime::Task<void> measure(World& world, const Scenario& scenario, benchmark::State& state) {
  CO_TRY(auto module, co_await world.engine->load(world.*scenario.wasm));
  auto pool = world.engine->make_pool(module, world.host, {.mode = scenario.mode});
  for (auto _ : state) {
    auto answer = co_await pool->call(scenario.operation, as_bytes(scenario.payload),
                                      runtime::Deadline::in(std::chrono::seconds(10)), 0);
    if (!answer) {
      state.SkipWithError(answer.error().detail.c_str());
      break;
    }
    if (scenario.let_loop_run)
      co_await runtime::asio::post(runtime::Core::current().io(), runtime::kAwait);
  }
  co_return Result<void>();
}

void run_calls(benchmark::State& state, World& world, const Scenario& scenario) {
  auto done = world.cores->run_blocking<void>(0, [&] { return measure(world, scenario, state); });
  if (!done) state.SkipWithError(done.error().detail.c_str());
}

void run_cached_load(benchmark::State& state, World& world, const Bytes& wasm) {
  for (auto _ : state) {
    auto module = world.cores->run_blocking<std::shared_ptr<const Module>>(
        0, [&] { return world.engine->load(wasm); });
    CHECK(module);
    benchmark::DoNotOptimize((*module)->info().from_cache);
  }
}

}  // namespace
}  // namespace trellis::engine

int main(int argc, char** argv) {
  using namespace trellis;
  using namespace trellis::engine;
  World world;
  std::string text = test_guest();
  world.two_pages = from_wat(text);
  text.replace(text.find("\"memory\") 2"), 11, "\"memory\") 1");
  world.small = from_wat(text);
  if (const char* fixtures = std::getenv("TRELLIS_FIXTURES")) {
    std::ifstream file(std::string(fixtures) + "/echo.wasm", std::ios::binary);
    world.rust.assign(std::istreambuf_iterator<char>(file), {});
  }
  const std::string payload(74, 'x');
  const std::string http =
      "\x85\xa6method\xa3GET\xa4path\xa1/\xabqueryString\xa0\xa6header\x80\xa4"
      "body\xc4" +
      std::string(1, '\0');
  constexpr const char* kHttp = "HttpServer.HandleRequest";
  const Scenario scenarios[] = {
      {"call/fresh", &World::small, InstanceMode::fresh, false, "echo", payload},
      {"call/fresh_ready", &World::small, InstanceMode::fresh, true, "echo", payload},
      {"call/fresh_two_pages", &World::two_pages, InstanceMode::fresh, false, "echo", payload},
      {"call/reuse", &World::small, InstanceMode::reuse, false, "echo", payload},
      {"call/reuse_host_call", &World::small, InstanceMode::reuse, false, "host", payload},
      {"call/rust_echo_fresh", &World::rust, InstanceMode::fresh, false, kHttp, http},
      {"call/rust_echo_fresh_ready", &World::rust, InstanceMode::fresh, true, kHttp, http},
      {"call/rust_echo_reuse", &World::rust, InstanceMode::reuse, false, kHttp, http},
  };
  for (const Scenario& scenario : scenarios) {
    if ((world.*scenario.wasm).empty()) continue;
    benchmark::RegisterBenchmark(
        scenario.name, [&](benchmark::State& state) { run_calls(state, world, scenario); });
  }
  benchmark::RegisterBenchmark("load_cached/small", [&](benchmark::State& state) {
    run_cached_load(state, world, world.small);
  })->UseRealTime();
  if (!world.rust.empty()) {
    benchmark::RegisterBenchmark("load_cached/rust_echo", [&](benchmark::State& state) {
      run_cached_load(state, world, world.rust);
    })->UseRealTime();
  }
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
}
