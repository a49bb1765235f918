// Any text as what an actor wants applied: what is taken has a type and a name, and is JSON.
#include <nlohmann/json.hpp>

#include "base/bytes.h"
#include "base/check.h"
#include "codec/json.h"
#include "kubernetes/manifest.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace trellis;
  const auto manifests = kubernetes::parse_manifests(as_text({data, size}));
  if (!manifests) return 0;
  CHECK(!manifests->empty());
  for (const auto& manifest : *manifests) {
    CHECK(!manifest.kind.empty() && !manifest.api_version.empty() && !manifest.name.empty());
    CHECK(nlohmann::json::accept(codec::json_write(manifest.object)));
  }
  return 0;
}
