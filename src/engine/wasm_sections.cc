#include "engine/wasm_sections.h"

#include <algorithm>
#include <array>

#include "base/leb128.h"

namespace trellis::engine {
namespace {

constexpr std::uint8_t kMemorySection = 5;
constexpr std::array<std::uint8_t, 4> kMagic{0x00, 0x61, 0x73, 0x6d};
constexpr std::array<std::uint8_t, 4> kCoreVersion{0x01, 0x00, 0x00, 0x00};
constexpr std::array<std::uint8_t, 4> kComponentVersion{0x0d, 0x00, 0x01, 0x00};

bool begins(BytesView file, const std::array<std::uint8_t, 4>& version) {
  return file.size() >= 8 && std::equal(kMagic.begin(), kMagic.end(), file.begin()) &&
         std::equal(version.begin(), version.end(), file.begin() + 4);
}

}  // namespace

bool is_wasm_module(BytesView file) { return begins(file, kCoreVersion); }
bool is_wasm_component(BytesView file) { return begins(file, kComponentVersion); }

std::optional<std::uint32_t> memory_pages_min(BytesView file) {
  if (!is_wasm_module(file)) return {};
  file = file.subspan(8);
  while (!file.empty()) {
    const std::uint8_t id = file.front();
    file = file.subspan(1);
    const auto size = read_leb128<std::uint32_t>(file);
    if (!size || *size > file.size()) return {};
    BytesView section = file.first(*size);
    file = file.subspan(*size);
    if (id != kMemorySection) continue;
    const auto count = read_leb128<std::uint32_t>(section);
    if (!count || *count == 0 || section.empty()) return {};
    section = section.subspan(1);  // the limits' flags
    return read_leb128<std::uint32_t>(section);
  }
  return {};
}

}  // namespace trellis::engine
