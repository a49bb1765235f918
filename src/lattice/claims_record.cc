#include <fmt/format.h>

#include <boost/json/object.hpp>

#include "codec/json.h"
#include "lattice/state.h"

namespace trellis::lattice {

namespace {

std::string joined(const std::vector<std::string>& items) {
  return fmt::format("{}", fmt::join(items, ","));
}

std::vector<std::string> split(std::string_view text) {
  std::vector<std::string> items;
  while (!text.empty()) {
    const auto comma = text.find(',');
    if (comma != 0) items.emplace_back(text.substr(0, comma));
    if (comma == std::string_view::npos) break;
    text.remove_prefix(comma + 1);
  }
  return items;
}

}  // namespace

boost::json::object ClaimsRecord::to_json() const {
  return {{"call_alias", call_alias},
          {"caps", joined(caps)},
          {"iss", issuer},
          {"name", name},
          {"rev", revision.empty() ? "0" : revision},
          {"sub", subject},
          {"tags", joined(tags)},
          {"version", version}};
}

Result<ClaimsRecord> ClaimsRecord::from_json(const boost::json::object& object) {
  const auto field = [&](std::string_view key) -> Result<std::string> {
    TRY(auto text, codec::json_string(object, key));
    return std::move(text).value_or("");
  };
  ClaimsRecord record;
  TRY(record.subject, field("sub"));
  if (record.subject.empty())
    return fail(Errc::invalid, "lattice.claims", "a claims record needs \"sub\"");
  TRY(record.issuer, field("iss"));
  TRY(record.name, field("name"));
  TRY(record.call_alias, field("call_alias"));
  TRY(record.version, field("version"));
  TRY(record.revision, field("rev"));
  TRY(const auto caps, field("caps"));
  TRY(const auto tags, field("tags"));
  record.caps = split(caps);
  record.tags = split(tags);
  return record;
}

}  // namespace trellis::lattice
