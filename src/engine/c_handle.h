// Owners for the objects of the engine's C API, and its texts as strings. Used inside this room
// only.
#pragma once

#include <wasmtime.h>

#include <memory>
#include <string>
#include <string_view>

namespace trellis::engine {

template <auto kDelete>
struct CDelete {
  template <class T>
  void operator()(T* object) const {
    kDelete(object);
  }
};
template <class T, auto kDelete>
using Handle = std::unique_ptr<T, CDelete<kDelete>>;

using EngineHandle = Handle<wasm_engine_t, wasm_engine_delete>;
using LinkerHandle = Handle<wasmtime_linker_t, wasmtime_linker_delete>;
using ModuleHandle = Handle<wasmtime_module_t, wasmtime_module_delete>;
using InstancePreHandle = Handle<wasmtime_instance_pre_t, wasmtime_instance_pre_delete>;
using StoreHandle = Handle<wasmtime_store_t, wasmtime_store_delete>;
using FutureHandle = Handle<wasmtime_call_future_t, wasmtime_call_future_delete>;
using ErrorHandle = Handle<wasmtime_error_t, wasmtime_error_delete>;
using TrapHandle = Handle<wasm_trap_t, wasm_trap_delete>;
using FuncTypeHandle = Handle<wasm_functype_t, wasm_functype_delete>;

inline std::string_view text_of(const wasm_name_t& name) { return {name.data, name.size}; }

inline std::string text_of(const wasmtime_error_t* error) {
  wasm_byte_vec_t message;
  wasmtime_error_message(error, &message);
  std::string text(message.data, message.size);
  wasm_byte_vec_delete(&message);
  return text;
}

inline std::string text_of(const wasm_trap_t* trap) {
  wasm_byte_vec_t message;
  wasm_trap_message(trap, &message);
  std::string text(message.data, message.size);
  wasm_byte_vec_delete(&message);
  while (!text.empty() && text.back() == '\0') text.pop_back();
  return text;
}

}  // namespace trellis::engine
