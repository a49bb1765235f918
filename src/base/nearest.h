// "Did you mean …?": the known word nearest to a mistyped one. Pure.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace trellis {

// Insertions, deletions, replacements and swaps of neighbours that lead from one word to the other.
std::size_t edit_distance(std::string_view a, std::string_view b);

// The word at most a third of whose letters were mistyped, or else the only one that begins with
// what was typed. "" when there is none.
std::string nearest(std::string_view word, const std::vector<std::string>& known);

}  // namespace trellis
