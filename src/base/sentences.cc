#include "base/sentences.h"

namespace trellis {

std::string and_then(std::string first, std::string_view next) {
  if (first.empty() || next.empty()) return first.append(next);
  constexpr std::string_view kEnds = ".?!";
  const bool ended = kEnds.find(first.back()) != std::string_view::npos;
  return first.append(ended ? " " : ". ").append(next);
}

}  // namespace trellis
