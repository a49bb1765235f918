// Which numbers of one sender were seen, as its messages come: each once, and none that is far
// behind the highest. A sender counts up; its messages may overtake each other by less than the
// window. A fixed size, however many there are. Used by InvocationVerifier for sealed invocations;
// not thread-safe.
#pragma once

#include <cstdint>
#include <vector>

namespace trellis::lattice {

class SequenceWindow {
 public:
  static constexpr std::uint64_t kNumbers = 65'536;

  // False: it was seen, or is too far behind to know.
  bool take(std::uint64_t number);

 private:
  void clear_after(std::uint64_t from, std::uint64_t to);
  std::uint64_t highest_ = 0;  // seen; 0: none
  std::vector<std::uint64_t> bits_ =
      std::vector<std::uint64_t>(kNumbers / 64);  // by number % kNumbers
};

}  // namespace trellis::lattice
