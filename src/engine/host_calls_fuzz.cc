// One import of a guest, called with arbitrary arguments over arbitrary memory: no host function
// may touch a byte outside the guest, hang or crash. Input: which import (1 byte), its arguments (8
// bytes each), bytes for the guest's memory.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/check.h"
#include "engine/c_handle.h"
#include "engine/engine.h"
#include "engine/probe_guest.h"
#include "engine/wapc_imports.h"
#include "engine/wasi_imports.h"
#include "runtime/core.h"

namespace trellis::engine {
namespace {

class AnsweringHost final : public HostCalls {
 public:
  runtime::Task<Bytes> host_call(std::string_view binding, std::string_view, std::string_view,
                                 BytesView payload, runtime::Deadline, std::uint32_t) override {
    if (binding.size() % 2) co_return fail(Errc::unavailable, "fuzz", std::string(binding));
    co_return Bytes(payload.begin(), payload.end());
  }
  void guest_log(std::string_view line) override { logged += line.size(); }
  std::size_t logged = 0;
};

class Subject {
 public:
  Subject() {
    for (auto [module, imports] :
         {std::pair{"wapc", wapc_imports()}, std::pair{"wasi_snapshot_preview1", wasi_imports()},
          std::pair{"wasi_unstable", wasi_unstable_imports()}})
      for (const auto& import : imports) imports_.push_back({module, &import, nullptr});
  }
  ~Subject() {
    for (auto& import : imports_) import.module.reset();
    engine_.reset();
    cores_->stop();
  }
  void call(BytesView input) {
    if (input.empty()) return;
    Import& import = imports_[input[0] % imports_.size()];
    const auto done = cores_->run_blocking<void>(0, [&] { return run(import, input.subspan(1)); });
    CHECK(done);
  }

 private:
  struct Import {
    const char* module_name;
    const ImportDefinition* definition;
    std::shared_ptr<const Module> module;
  };
  runtime::Task<void> run(Import& import, BytesView payload) {
    if (!import.module) {
      const std::string text =
          probe_guest(import.module_name, import.definition->name, import.definition->signature);
      wasm_byte_vec_t wasm;
      ErrorHandle error(wasmtime_wat2wasm(text.data(), text.size(), &wasm));
      CHECK(!error);
      const Bytes bytes(wasm.data, wasm.data + wasm.size);
      wasm_byte_vec_delete(&wasm);
      CO_TRY(import.module, co_await engine_->load(bytes));
    }
    auto pool = engine_->make_pool(import.module, host_, {});
    // A clock to wait for is waited for no longer than this.
    const auto answer =
        co_await pool->call("probe", payload.first(std::min<std::size_t>(payload.size(), 0x10000)),
                            runtime::Deadline::in(std::chrono::milliseconds(5)), 0);
    CHECK(answer || answer.error().code == Errc::trapped || answer.error().code == Errc::timeout);
    co_return Result<void>();
  }

  std::unique_ptr<runtime::Cores> cores_ = *runtime::Cores::start({.count = 1, .pin = false});
  runtime::Offload offload_{1};
  std::unique_ptr<Engine> engine_ = *Engine::create({.instances_max = 16}, offload_);
  AnsweringHost host_;
  std::vector<Import> imports_;
};

}  // namespace
}  // namespace trellis::engine

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static trellis::engine::Subject subject;
  subject.call({data, size});
  return 0;
}
