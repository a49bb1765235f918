#include "artifact/suggestion.h"

#include <fmt/format.h>

#include <cstddef>
#include <string_view>

#include "base/nearest.h"

namespace trellis::artifact {
namespace {

constexpr std::size_t kTagsShownMax = 8;

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
                                       : edit_distance(wanted.tagged(), text);
    if (best == nullptr || far < best_distance) {
      best = &text;
      best_distance = far;
    }
  }
  if (best == nullptr || best_distance > 2 + wanted.text.size() / 5) return {};
  return fmt::format("Did you mean {}?", *best);
}

}  // namespace trellis::artifact
