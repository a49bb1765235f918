#include "lattice/sequence_window.h"

#include <algorithm>

namespace trellis::lattice {

bool SequenceWindow::take(std::uint64_t number) {
  if (number == 0 || number + kNumbers <= highest_) return false;
  if (number > highest_) {
    clear_after(highest_, number);
    highest_ = number;
  }
  auto& word = bits_[number % kNumbers / 64];
  const auto bit = std::uint64_t{1} << number % 64;
  const bool seen = (word & bit) != 0;
  word |= bit;
  return !seen;
}

// The places of the numbers that come into the window: they had others before.
void SequenceWindow::clear_after(std::uint64_t from, std::uint64_t to) {
  if (to - from >= kNumbers) {
    std::ranges::fill(bits_, 0);
    return;
  }
  for (auto number = from + 1; number <= to; ++number)
    bits_[number % kNumbers / 64] &= ~(std::uint64_t{1} << number % 64);
}

}  // namespace trellis::lattice
