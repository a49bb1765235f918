// The outward form of results and errors, byte for byte as users' scripts know it: an empty line
// first, text or pretty JSON after it. An error text may carry causes: "<message>\n\nCaused by:\n
// <cause>". Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <boost/json/object.hpp>

namespace trellis::wash {

std::string text_success(std::string_view text);
std::string json_success(boost::json::object fields);
std::string text_error(std::string_view text);
std::string json_error(std::string_view text);

// `message` because of `cause`, which may have causes of its own; several are numbered.
std::string with_cause(std::string message, std::string_view cause);
// The message, then its causes, outermost first.
std::vector<std::string> split_causes(std::string_view text);

}  // namespace trellis::wash
