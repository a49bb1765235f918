// Settings of a link that nobody reads: typing mistakes, most of the time. They are said and not
// refused, for 2022 passed over them and scripts may carry some. Pure.
#pragma once

#include <map>
#include <string>
#include <vector>

#include <boost/json/object.hpp>

namespace trellis::httpserver {

// Each is named with what was probably meant: "'ADRESS' (did you mean 'address'?)".
// Among the values of a link, whose keys may be in any case.
std::vector<std::string> unknown_values(const std::map<std::string, std::string>& values);
// Among the members of a configuration object; `source` says where it stands ("config_json").
std::vector<std::string> unknown_members(const boost::json::object& config,
                                         const std::string& source);

// All of them in a sentence, "" when there are none.
std::string unknown_text(const std::vector<std::string>& unknown);

}  // namespace trellis::httpserver
