#include "engine/loaded_module.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <span>

#include "engine/wapc_imports.h"
#include "engine/wasi_imports.h"

namespace trellis::engine {
namespace {

constexpr const char* kApiVersionExport = "__wasmbus_rpc_version";
constexpr std::string_view kRestoredGlobal = "trellis:global:";

std::span<const ImportDefinition> imports_of(std::string_view module) {
  if (module == "wapc" || module == "wasmbus") return wapc_imports();
  if (module == "wasi_snapshot_preview1") return wasi_imports();
  if (module == "wasi_unstable") return wasi_unstable_imports();
  return {};
}

// "ii:i", as ImportDefinition::signature; '?' for a type no import or export here has.
std::string signature_of(const wasm_functype_t* type) {
  auto letters = [](const wasm_valtype_vec_t* types) {
    std::string text;
    for (std::size_t i = 0; i < types->size; ++i) {
      const auto kind = wasm_valtype_kind(types->data[i]);
      text += kind == WASM_I32 ? 'i' : kind == WASM_I64 ? 'I' : '?';
    }
    return text;
  };
  return letters(wasm_functype_params(type)) + ":" + letters(wasm_functype_results(type));
}

// What an import lacks to be provided, or "".
std::string import_trouble(const wasm_importtype_t* import) {
  const std::string_view module = text_of(*wasm_importtype_module(import));
  const std::string_view name = text_of(*wasm_importtype_name(import));
  const auto known = imports_of(module);
  const auto found = std::find_if(known.begin(), known.end(),
                                  [&](const ImportDefinition& d) { return name == d.name; });
  if (found == known.end()) return fmt::format("{}.{}", module, name);
  const auto* type = wasm_externtype_as_functype_const(wasm_importtype_type(import));
  if (!type || signature_of(type) != found->signature)
    return fmt::format("{}.{} with another signature", module, name);
  return {};
}

}  // namespace

Result<std::shared_ptr<LoadedModule>> LoadedModule::create(const Profile& profile, Code code,
                                                           ModuleInfo info) {
  std::shared_ptr<LoadedModule> loaded(new LoadedModule(profile, std::move(info)));
  loaded->code_ = std::move(code);
  TRY_OK(loaded->check_imports());
  TRY_OK(loaded->check_exports());
  wasmtime_instance_pre_t* pre = nullptr;
  ErrorHandle error(
      wasmtime_linker_instantiate_pre(profile.linker.get(), loaded->code_.module.get(), &pre));
  if (error) {
    return fail(Errc::invalid, "engine.imports",
                fmt::format("the module's imports cannot be provided: {}", text_of(error.get())));
  }
  loaded->pre_.reset(pre);
  return loaded;
}

Result<void> LoadedModule::check_imports() {
  wasm_importtype_vec_t imports;
  wasmtime_module_imports(code_.module.get(), &imports);
  std::vector<std::string> missing;
  for (std::size_t i = 0; i < imports.size; ++i) {
    if (text_of(*wasm_importtype_module(imports.data[i])).find("wasi") != std::string_view::npos)
      info_.imports_wasi = true;
    if (auto trouble = import_trouble(imports.data[i]); !trouble.empty())
      missing.push_back(std::move(trouble));
  }
  wasm_importtype_vec_delete(&imports);
  if (missing.empty()) return {};
  return fail(Errc::invalid, "engine.imports",
              fmt::format("module imports {}, which no host provides. Actors may import wapc, "
                          "wasmbus and WASI preview 1 functions",
                          fmt::join(missing, ", ")));
}

Result<void> LoadedModule::check_exports() {
  wasm_exporttype_vec_t exports;
  wasmtime_module_exports(code_.module.get(), &exports);
  std::map<std::string, std::string, std::less<>> functions;
  bool has_memory = false;
  for (std::size_t i = 0; i < exports.size; ++i) {
    const std::string_view name = text_of(*wasm_exporttype_name(exports.data[i]));
    const wasm_externtype_t* type = wasm_exporttype_type(exports.data[i]);
    if (const auto* memory = wasm_externtype_as_memorytype_const(type);
        memory && name == "memory") {
      has_memory = true;
      info_.memory_pages_min = static_cast<std::uint32_t>(wasmtime_memorytype_minimum(memory));
    } else if (code_.restorable && name.starts_with(kRestoredGlobal)) {
      restored_globals_.emplace_back(name);
    } else if (const auto* function = wasm_externtype_as_functype_const(type)) {
      functions.emplace(name, signature_of(function));
    }
  }
  wasm_exporttype_vec_delete(&exports);

  const auto call = functions.find("__guest_call");
  if (call == functions.end() || !has_memory) {
    return fail(
        Errc::invalid, "engine.exports",
        fmt::format("module exports no {}, which every actor must. Is it built as an actor?",
                    call != functions.end() ? "memory"
                    : has_memory            ? "__guest_call"
                                            : "__guest_call and no memory"));
  }
  if (call->second != "ii:i") {
    return fail(Errc::invalid, "engine.exports",
                "module exports __guest_call with another signature than (i32, i32) -> i32");
  }
  // Results of these are ignored, and so is one that cannot be called without arguments.
  auto add_startup = [&](std::string_view name) {
    const auto found = functions.find(name);
    if (found != functions.end() && (found->second == ":" || found->second == ":i"))
      startup_.push_back({found->first, found->second.size() - 1});
  };
  if (!functions.contains("_start")) add_startup("_initialize");
  for (const char* name : {"start", "wapc_init", "_start"}) add_startup(name);
  const auto version = functions.find(kApiVersionExport);
  has_api_version_ = version != functions.end() && version->second == ":i";
  return {};
}

}  // namespace trellis::engine
