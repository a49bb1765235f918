// Any file as a module that is to be made restorable: what the engine accepts it must accept when
// changed too, and nothing may crash on the way. The compiler comes after this, so this reads first
// what strangers wrote.
#include "base/bytes.h"
#include "base/check.h"
#include "engine/c_handle.h"
#include "engine/wasmtime_shim.h"

namespace trellis::engine {
namespace {

bool is_valid(wasm_engine_t* engine, BytesView wasm) {
  return ErrorHandle(wasmtime_module_validate(engine, wasm.data(), wasm.size())) == nullptr;
}

void change(BytesView wasm) {
  static const EngineHandle kEngine(wasm_engine_new());
  wasm_byte_vec_t changed;
  if (!trellis_module_restorable(wasm.data(), wasm.size(), &changed)) return;
  const BytesView result{reinterpret_cast<const std::uint8_t*>(changed.data), changed.size};
  CHECK(!is_valid(kEngine.get(), wasm) || is_valid(kEngine.get(), result));
  wasm_byte_vec_delete(&changed);
}

}  // namespace
}  // namespace trellis::engine

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  trellis::engine::change({data, size});
  return 0;
}
