// YAML as a JSON value. Goes through libyaml; only the plain part of it is taken: maps, lists and
// scalars, no anchors. Pure.
#pragma once

#include <string_view>

#include <boost/json/value.hpp>

#include "base/result.h"

namespace trellis::codec {

// The first document; JSON, which is a part of YAML, too. Every scalar is a string.
Result<boost::json::value> parse_yaml(std::string_view text);

}  // namespace trellis::codec
