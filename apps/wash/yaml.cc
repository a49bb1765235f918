#include "codec/yaml.h"

#include "manifest.h"

namespace trellis::wash {

Result<boost::json::value> parse_yaml(std::string_view text) {
  TRY(auto documents, codec::yaml_parse(text, codec::YamlScalars::text));
  if (documents.empty()) return boost::json::value(nullptr);
  return std::move(documents.front());
}

}  // namespace trellis::wash
