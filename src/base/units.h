// Sizes as they are spoken: 64_KiB.
#pragma once

#include <cstddef>

namespace trellis {
inline namespace units {
constexpr std::size_t operator""_KiB(unsigned long long n) { return n << 10; }
constexpr std::size_t operator""_MiB(unsigned long long n) { return n << 20; }
constexpr std::size_t operator""_GiB(unsigned long long n) { return n << 30; }
}  // namespace units
}  // namespace trellis
