// Compiled code on disk, so that an actor seen before is ready in milliseconds. Compiled code is
// run as it is, so nothing in the folder is trusted by its name: the folder must be private to this
// user, and each file must have the owner, the mode and the SHA-256 that were recorded when it was
// written. A damaged entry is deleted and counts as absent; a folder that cannot be used turns the
// cache off. Any thread; several processes may share a folder. Blocking: for the offload threads.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "engine/c_handle.h"

namespace trellis::engine {

// Compiled code, and whether it is that of the module as wasmtime/src/restorable.rs changes it.
// That cannot be seen from the code: a module can be written to look like one that was changed.
struct Code {
  ModuleHandle module;
  bool restorable = false;
};

class CodeCache {
 public:
  // `compatibility` says what code depends on beside the module: engine, its settings, the CPU.
  CodeCache(std::string folder, std::uint64_t compatibility);

  Code find(wasm_engine_t* engine, std::string_view module_hash) const;
  void keep(const Code& code, std::string_view module_hash) const;

 private:
  // Without the ending.
  std::string path_of(std::string_view module_hash, bool restorable) const;

  std::string folder_;  // "": off
  std::string suffix_;
};

std::string sha256_hex(BytesView bytes);

}  // namespace trellis::engine
