// What the engine's tests share: one core, an engine with its cache off, modules written as WAT,
// and a host whose answers a test decides.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/c_handle.h"
#include "engine/engine.h"
#include "runtime/core.h"

namespace trellis::engine {

inline Bytes wat(std::string_view text) {
  wasm_byte_vec_t wasm;
  ErrorHandle error(wasmtime_wat2wasm(text.data(), text.size(), &wasm));
  if (error) {
    ADD_FAILURE() << text_of(error.get());
    return {};
  }
  Bytes bytes(wasm.data, wasm.data + wasm.size);
  wasm_byte_vec_delete(&wasm);
  return bytes;
}

struct HostCallSeen {
  std::string binding, contract_or_actor, operation, payload;
  std::uint32_t depth;
};

class FakeHost : public HostCalls {
 public:
  runtime::Task<Bytes> host_call(std::string_view binding, std::string_view contract_or_actor,
                                 std::string_view operation, BytesView payload,
                                 runtime::Deadline deadline, std::uint32_t depth) override {
    seen.push_back({std::string(binding), std::string(contract_or_actor), std::string(operation),
                    std::string(as_text(payload)), depth});
    if (before_answer) CO_TRY_OK(co_await before_answer(deadline));
    co_return answer;
  }
  void guest_log(std::string_view line) override { logged.emplace_back(line); }

  Result<Bytes> answer = Bytes{};
  std::function<runtime::Task<void>(runtime::Deadline)> before_answer;
  std::vector<HostCallSeen> seen;
  std::vector<std::string> logged;
};

class EngineFixture : public ::testing::Test {
 protected:
  static runtime::Deadline soon() { return runtime::Deadline::in(std::chrono::seconds(10)); }

  void SetUp() override {
    cores_ = *runtime::Cores::start({.count = 1, .pin = false});
    offload_ = std::make_unique<runtime::Offload>(1);
    start_engine({.instances_max = 64});
  }
  void TearDown() override {
    engine_.reset();
    offload_.reset();
    cores_->stop();
  }
  void start_engine(EngineOptions options) {
    engine_.reset();
    auto engine = Engine::create(std::move(options), *offload_);
    ASSERT_TRUE(engine) << engine.error().describe();
    engine_ = *std::move(engine);
  }

  template <class T>
  Result<T> on_core(std::function<runtime::Task<T>()> make) {
    return cores_->run_blocking<T>(0, std::move(make));
  }
  Result<std::shared_ptr<const Module>> load(BytesView wasm) {
    return on_core<std::shared_ptr<const Module>>([&] { return engine_->load(wasm); });
  }
  std::shared_ptr<const Module> loaded(std::string_view text) {
    const Bytes wasm = wat(text);
    auto module = load(wasm);
    if (module) return *module;
    ADD_FAILURE() << module.error().describe();
    return nullptr;
  }
  std::string load_error(std::string_view text) {
    const Bytes wasm = wat(text);
    auto module = load(wasm);
    return module ? "loaded" : module.error().detail;
  }

  // Runs on the core with a pool that lives for as long.
  template <class T>
  Result<T> with_pool(std::shared_ptr<const Module> module, PoolOptions options,
                      std::function<runtime::Task<T>(InstancePool&)> use) {
    return on_core<T>([&] { return run_with_pool<T>(module, options, use); });
  }
  Result<std::string> call(std::shared_ptr<const Module> module, std::string_view operation,
                           std::string_view payload, PoolOptions options = {}) {
    return with_pool<std::string>(module, options, [&](InstancePool& pool) {
      return call_text(pool, operation, payload, soon());
    });
  }
  static runtime::Task<std::string> call_text(InstancePool& pool, std::string_view operation,
                                              std::string_view payload, runtime::Deadline deadline,
                                              std::uint32_t depth = 0) {
    auto answer = co_await pool.call(operation, as_bytes(payload), deadline, depth);
    if (!answer) co_return fail(std::move(answer).error());
    co_return std::string(as_text(*answer));
  }

  FakeHost host_;
  std::unique_ptr<runtime::Cores> cores_;
  std::unique_ptr<runtime::Offload> offload_;
  std::unique_ptr<Engine> engine_;

 private:
  template <class T>
  runtime::Task<T> run_with_pool(std::shared_ptr<const Module> module, PoolOptions options,
                                 std::function<runtime::Task<T>(InstancePool&)>& use) {
    auto pool = engine_->make_pool(std::move(module), host_, std::move(options));
    auto result = co_await use(*pool);
    co_return result;
  }
};

}  // namespace trellis::engine
