// Reading a module's initial memory before it is compiled, also where the file is damaged.
#include "engine/wasm_sections.h"

#include "engine/engine_fixture.h"
#include "engine/test_guest.h"

namespace trellis::engine {
namespace {

TEST(WasmSections, KnowTheInitialMemory) {
  EXPECT_EQ(memory_pages_min(wat(test_guest())), 2u);
  EXPECT_EQ(memory_pages_min(wat("(module (memory 300 400))")), 300u);
  EXPECT_EQ(memory_pages_min(wat("(module)")), std::nullopt);
}

TEST(WasmSections, TellModulesFromComponents) {
  EXPECT_TRUE(is_wasm_module(wat("(module)")));
  EXPECT_FALSE(is_wasm_component(wat("(module)")));
  EXPECT_TRUE(is_wasm_component(wat("(component)")));
  EXPECT_FALSE(is_wasm_module(as_bytes("")));
}

TEST(WasmSections, NeverReadBeyondACutFile) {
  const Bytes whole = wat(test_guest());
  for (std::size_t size = 0; size <= whole.size(); ++size) {
    const Bytes cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
    const auto pages = memory_pages_min(cut);
    if (pages) EXPECT_EQ(*pages, 2u);
  }
  Bytes endless = wat("(module)");
  endless.insert(endless.end(), 16, 0xff);
  EXPECT_EQ(memory_pages_min(endless), std::nullopt);
}

}  // namespace
}  // namespace trellis::engine
