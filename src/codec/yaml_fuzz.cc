// Any text: what parses as YAML becomes JSON that an independent parser reads, within the limits.
#include <nlohmann/json.hpp>

#include "base/bytes.h"
#include "base/check.h"
#include "codec/json.h"
#include "codec/yaml.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace trellis;
  for (const auto scalars : {codec::YamlScalars::text, codec::YamlScalars::resolved}) {
    const auto documents =
        codec::yaml_parse(as_text({data, size}), scalars, {.values_max = 10'000});
    if (!documents) continue;
    for (const auto& document : *documents)
      CHECK(nlohmann::json::accept(codec::json_write(document)));
  }
  return 0;
}
