// JSON from an API server, which is nested deeper than what the rest of the host reads. Pure.
#pragma once

#include <string_view>

#include <boost/json/value.hpp>

#include "base/result.h"

namespace trellis::kubernetes {

Result<boost::json::value> parse_json(std::string_view text);  // depth ≤ kKubernetesDepthMax

}  // namespace trellis::kubernetes
