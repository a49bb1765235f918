#include "kubernetes/api_json.h"

#include <boost/json/parse.hpp>

#include "base/limits.h"

namespace trellis::kubernetes {

Result<boost::json::value> parse_json(std::string_view text) {
  boost::json::parse_options options;
  options.max_depth = limits::kKubernetesDepthMax;
  boost::json::error_code error;
  auto value =
      boost::json::parse(boost::json::string_view(text.data(), text.size()), error, {}, options);
  if (error) return fail(Errc::invalid, "kubernetes.json", "not valid JSON: " + error.message());
  return value;
}

}  // namespace trellis::kubernetes
