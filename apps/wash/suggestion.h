// "Did you mean …?": the known word nearest to a mistyped one. Pure.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace trellis::wash {

// Insertions, deletions, replacements and swaps of neighbours that lead from one word to the other.
std::size_t edit_distance(std::string_view a, std::string_view b);
// "" when none is near enough to be what was meant: more than a third of the letters would be
// wrong.
std::string nearest(std::string_view word, const std::vector<std::string>& known);

}  // namespace trellis::wash
