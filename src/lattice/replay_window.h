// Which tokens were seen within the last seconds. Bounded: entries leave when their token would be
// refused for its age anyway, and beyond a maximum new ones are refused. Owned by
// InvocationVerifier; not thread-safe.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string_view>
#include <vector>

#include <boost/unordered/unordered_flat_set.hpp>

namespace trellis::lattice {

class ReplayWindow {
 public:
  explicit ReplayWindow(std::size_t remembered_max) : remembered_max_(remembered_max) {}

  enum class Seen { fresh, repeated, full };
  // Remembers `token` until `forget_at`; `now` forgets older ones. Unix seconds.
  Seen remember(std::string_view token, std::uint64_t forget_at, std::uint64_t now);
  std::size_t size() const { return seen_.size(); }

 private:
  // Half of a SHA-256: nobody can make two tokens that collide, and the table needs no other hash.
  using Digest = std::array<std::uint64_t, 2>;
  struct FirstWord {
    using is_avalanching = void;
    std::size_t operator()(const Digest& digest) const { return digest[0]; }
  };

  std::size_t remembered_max_;
  boost::unordered_flat_set<Digest, FirstWord> seen_;
  std::map<std::uint64_t, std::vector<Digest>> by_second_;  // as many as the window has seconds
};

}  // namespace trellis::lattice
