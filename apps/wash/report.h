// The outward form of results and errors, byte for byte as users' scripts know it: an empty line
// first, text or pretty JSON after it. An error text may carry causes (base/causes.h). Pure.
#pragma once

#include <string>
#include <string_view>

#include <boost/json/object.hpp>

namespace trellis::wash {

std::string text_success(std::string_view text);
std::string json_success(boost::json::object fields);
std::string text_error(std::string_view text);
std::string json_error(std::string_view text);

}  // namespace trellis::wash
