#include "artifact/suggestion.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <string_view>

namespace trellis::artifact {
namespace {

constexpr std::size_t kTagsShownMax = 8;

// Keystrokes between two words (Levenshtein).
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const auto replaced = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row[b.size()];
}

std::string tags_of(const Reference& wanted, const std::vector<std::string>& known) {
  std::string tags;
  std::size_t shown = 0;
  for (const auto& text : known) {
    const auto reference = parse_reference(text);
    if (!reference || reference->name() != wanted.name() || reference->tag.empty()) continue;
    if (++shown > kTagsShownMax) return tags + ", …";
    if (!tags.empty()) tags += ", ";
    tags += reference->tag;
  }
  return tags;
}

}  // namespace

std::string suggestion(const Reference& wanted, const std::vector<std::string>& known) {
  if (const auto tags = tags_of(wanted, known); !tags.empty()) {
    return fmt::format("Known tags of {}: {}", wanted.name(), tags);
  }
  const std::string* best = nullptr;
  std::size_t best_distance = 0;
  for (const auto& text : known) {
    const auto reference = parse_reference(text);
    if (!reference) continue;
    // Who forgot the registry is nearer than any typo.
    const bool same_but_registry =
        wanted.registry.empty() && reference->repository == wanted.repository;
    const auto far = same_but_registry ? (reference->tag == wanted.tag ? 0 : 1)
                                       : distance(wanted.tagged(), text);
    if (best == nullptr || far < best_distance) {
      best = &text;
      best_distance = far;
    }
  }
  if (best == nullptr || best_distance > 2 + wanted.text.size() / 5) return {};
  return fmt::format("Did you mean {}?", *best);
}

}  // namespace trellis::artifact
