// YAML as a JSON value. Goes through libyaml; only the plain part of it is taken: maps, lists and
// scalars, no anchors. Pure.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>

#include <boost/json/value.hpp>

#include "base/result.h"

namespace trellis::codec {

// Where each value begins, by its path: "/links/0/values". Lines count from 1.
using YamlLines = std::map<std::string, std::size_t>;

// The first document; JSON, which is a part of YAML, too. Every scalar is a string.
Result<boost::json::value> parse_yaml(std::string_view text, YamlLines* lines = nullptr);

}  // namespace trellis::codec
