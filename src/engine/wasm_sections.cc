#include "engine/wasm_sections.h"

#include <algorithm>
#include <array>

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

std::optional<std::uint32_t> leb128(BytesView& from) {
  std::uint32_t value = 0;
  for (unsigned shift = 0; shift < 35; shift += 7) {
    if (from.empty()) return {};
    const std::uint8_t byte = from.front();
    from = from.subspan(1);
    value |= static_cast<std::uint32_t>(byte & 0x7f) << shift;
    if (!(byte & 0x80)) return value;
  }
  return {};
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
    const auto size = leb128(file);
    if (!size || *size > file.size()) return {};
    BytesView section = file.first(*size);
    file = file.subspan(*size);
    if (id != kMemorySection) continue;
    const auto count = leb128(section);
    if (!count || *count == 0 || section.empty()) return {};
    section = section.subspan(1);  // the limits' flags
    return leb128(section);
  }
  return {};
}

}  // namespace trellis::engine
