// Bytes and how they are borrowed. Bytes owns on the heap and keeps its address when moved, so
// views into it survive the move; BytesView borrows and is never kept beyond the call it was given
// to.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace trellis {

using Bytes = std::vector<std::uint8_t>;
using BytesView = std::span<const std::uint8_t>;

inline BytesView as_bytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}
inline std::string_view as_text(BytesView bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}
inline Bytes to_bytes(std::string_view text) {
  auto v = as_bytes(text);
  return {v.begin(), v.end()};
}
inline void append(Bytes& to, BytesView from) { to.insert(to.end(), from.begin(), from.end()); }
inline void append(Bytes& to, std::string_view from) { append(to, as_bytes(from)); }

}  // namespace trellis
