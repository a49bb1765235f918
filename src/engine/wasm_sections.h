// The little that must be known of a module before it is compiled.
#pragma once

#include <cstdint>
#include <optional>

#include "base/bytes.h"

namespace trellis::engine {

bool is_wasm_module(BytesView file);     // magic and version of a core module
bool is_wasm_component(BytesView file);  // the same magic, the component layer

// Initial pages of the first memory the module defines. Nothing when it defines none, or where the
// file is damaged: the compiler says so better.
std::optional<std::uint32_t> memory_pages_min(BytesView file);

}  // namespace trellis::engine
