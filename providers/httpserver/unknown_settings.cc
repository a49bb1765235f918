#include "httpserver/unknown_settings.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "base/nearest.h"

namespace trellis::httpserver {
namespace {

constexpr std::size_t kShownMax = 8;
constexpr std::size_t kNameBytesShownMax = 64;

using Names = std::vector<std::string>;

// docs/protocol.md §10.
const Names& link_values() {
  static const Names kAll{"address", "config_b64", "config_file", "config_json", "port"};
  return kAll;
}

const Names& config_members() {
  static const Names kAll{"address",
                          "cors",
                          "cors.allowed_headers",
                          "cors.allowed_methods",
                          "cors.allowed_origins",
                          "cors.exposed_headers",
                          "cors.max_age_secs",
                          "log",
                          "log.log_level",
                          "timeout_ms",
                          "tls",
                          "tls.cert_file",
                          "tls.priv_key_file"};
  return kAll;
}

bool is_known(const Names& known, const std::string& name) {
  return std::find(known.begin(), known.end(), name) != known.end();
}

std::string in_lower_case(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

// The member of that name, in whichever section it stands; "" if there is none.
std::string member_called(const std::string& name) {
  const std::string leaf = name.substr(name.rfind('.') + 1);
  for (const auto& member : config_members())
    if (member == leaf || member.ends_with("." + leaf)) return member;
  return {};
}

std::string shown(const std::string& name) {
  return name.size() <= kNameBytesShownMax ? name : name.substr(0, kNameBytesShownMax) + "…";
}

std::string hint_for_value(const std::string& name) {
  if (const auto near = nearest(name, link_values()); !near.empty())
    return fmt::format(" (did you mean '{}'?)", near);
  auto member = member_called(name);
  if (member.empty()) member = nearest(name, config_members());
  if (member.empty()) return {};
  return fmt::format(" (it belongs into the JSON of config_json, as '{}')", member);
}

std::string hint_for_member(const std::string& typed) {
  const auto name = in_lower_case(typed);
  auto near = member_called(name);
  if (near.empty()) near = nearest(name, config_members());
  if (!near.empty()) return fmt::format(" (did you mean '{}'?)", near);
  if (is_known(link_values(), name)) return " (it is a value of the link, given beside this one)";
  return {};
}

}  // namespace

Names unknown_values(const std::map<std::string, std::string>& values) {
  Names unknown;
  for (const auto& [name, value] : values)
    if (const auto lower = in_lower_case(name); !is_known(link_values(), lower))
      unknown.push_back(fmt::format("'{}'{}", shown(name), hint_for_value(lower)));
  return unknown;
}

Names unknown_members(const boost::json::object& config, const std::string& source) {
  Names unknown;
  const auto look_at = [&](const std::string& name) {
    if (is_known(config_members(), name)) return true;
    unknown.push_back(fmt::format("'{}' in {}{}", shown(name), source, hint_for_member(name)));
    return false;
  };
  for (const auto& [name, value] : config) {
    if (!look_at(std::string(name)) || !value.is_object()) continue;
    for (const auto& [inner, ignored] : value.get_object())
      look_at(fmt::format("{}.{}", std::string_view(name), std::string_view(inner)));
  }
  return unknown;
}

std::string unknown_text(const Names& unknown) {
  if (unknown.empty()) return {};
  const auto count = std::min(unknown.size(), kShownMax);
  const auto end = unknown.begin() + static_cast<std::ptrdiff_t>(count);
  return fmt::format(
      "the HTTP server does not know these settings and passes over them: {}{}",
      fmt::join(unknown.begin(), end, ", "),
      unknown.size() > count ? fmt::format(" and {} more", unknown.size() - count) : "");
}

}  // namespace trellis::httpserver
