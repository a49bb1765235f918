#include "report.h"

#include <fmt/format.h>

#include <map>
#include <utility>

#include "base/causes.h"
#include "codec/json.h"

namespace trellis::wash {
namespace {

// serde_json sorts the members of objects, so scripts and diffs have always seen them sorted. The
// depth is that of our own answers.
boost::json::value sorted(const boost::json::value& value) {
  if (value.is_array()) {
    boost::json::array list;
    for (const boost::json::value& element : value.get_array()) list.push_back(sorted(element));
    return list;
  }
  if (!value.is_object()) return value;
  std::map<std::string_view, const boost::json::value*> members;
  for (const auto& [key, member] : value.get_object()) members[key] = &member;
  boost::json::object ordered;
  for (const auto& [key, member] : members) ordered[key] = sorted(*member);
  return ordered;
}

}  // namespace

std::string text_success(std::string_view text) { return fmt::format("\n{}\n", text); }

std::string json_success(boost::json::object fields) {
  fields["success"] = true;
  return fmt::format("\n{}\n", codec::json_pretty(sorted(fields)));
}

std::string text_error(std::string_view text) { return fmt::format("\n{}\n", text); }

std::string json_error(std::string_view text) {
  std::vector<std::string> chain = split_causes(text);
  boost::json::object fields{{"success", false}, {"error", chain.front()}};
  if (chain.size() > 1) fields["error_chain"] = boost::json::array(chain.begin() + 1, chain.end());
  return fmt::format("\n{}\n", codec::json_pretty(sorted(fields)));
}

}  // namespace trellis::wash
