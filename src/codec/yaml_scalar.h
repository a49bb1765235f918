// What an unquoted YAML scalar stands for in Kubernetes, which reads YAML 1.1 as Go's library does.
// Pure; for yaml.cc.
#pragma once

#include <string_view>

#include <boost/json/value.hpp>

namespace trellis::codec {

// null, a boolean (also yes, no, on, off), a number (also 0x, 0o, 0b and octal with a leading
// zero, with _ between digits), else the text. Dates stay text.
boost::json::value yaml_plain_scalar(std::string_view text);

}  // namespace trellis::codec
