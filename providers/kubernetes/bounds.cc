#include "kubernetes/bounds.h"

#include <boost/json/parse.hpp>

namespace trellis::kubernetes {

Result<boost::json::value> parse_json(std::string_view text) {
  boost::json::parse_options options;
  options.max_depth = kDepthMax;
  boost::json::error_code error;
  auto value =
      boost::json::parse(boost::json::string_view(text.data(), text.size()), error, {}, options);
  if (error) return fail(Errc::invalid, "kubernetes.json", "not valid JSON: " + error.message());
  return value;
}

}  // namespace trellis::kubernetes
