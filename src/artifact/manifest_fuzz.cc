// Any text is either no manifest and no index, or one whose blobs can be fetched safely; a manifest
// that is written again reads as the same one.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "artifact/manifest.h"
#include "artifact/reference.h"

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

bool same(const trellis::artifact::Descriptor& a, const trellis::artifact::Descriptor& b) {
  return a.media_type == b.media_type && a.digest == b.digest && a.size == b.size;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace trellis::artifact;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto document = parse_document(text);
  if (!document) return 0;
  require(document->index.empty() != document->manifest.layers.empty());
  for (const auto& entry : document->index) require(is_digest(entry.manifest.digest));
  if (!document->index.empty()) {
    const auto chosen = choose(document->index, "x");
    if (chosen) require(is_digest(chosen->digest));
    return 0;
  }

  const auto& manifest = document->manifest;
  std::size_t total = 0;
  for (const auto& layer : manifest.layers) require(is_digest(layer.digest));
  constexpr std::size_t kMax = 1000;
  if (check_layers(manifest, "x", kMax)) {
    for (const auto& layer : manifest.layers) total += layer.size;
    require(total <= kMax);
  }
  if (manifest.config.digest.empty()) return 0;  // written, it would not be read again
  const auto again = parse_manifest(write_manifest(manifest));
  require(again && again->layers.size() == manifest.layers.size());
  require(again->annotations == manifest.annotations && same(again->config, manifest.config));
  for (std::size_t i = 0; i < manifest.layers.size(); ++i) {
    require(same(again->layers[i], manifest.layers[i]));
  }
  return 0;
}
