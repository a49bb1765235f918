#include "claims_report.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "table.h"

namespace trellis::wash {
namespace {

using claims::ActorClaims;

std::string version_of(const ActorClaims& claims) { return claims.ver.value_or("None"); }

std::string tags_of(const ActorClaims& claims) {
  return claims.tags.empty() ? "None" : fmt::format("{}", fmt::join(claims.tags, ","));
}

std::string alias_of(const ActorClaims& claims) {
  return claims.call_alias && !claims.call_alias->empty() ? *claims.call_alias : "(Not set)";
}

void add_heading(Table& table, std::string text) {
  table.row({{std::move(text), 2, Align::center}});
}

void add_pair(Table& table, std::string name, std::string value) {
  table.row({{std::move(name)}, {std::move(value), 1, Align::right}});
}

}  // namespace

std::string claims_table(const ActorClaims& claims, std::uint64_t now) {
  Table table;
  add_heading(table, fmt::format("{} - Module", claims.name));
  add_pair(table, "Account", claims.issuer);
  add_pair(table, "Module", claims.subject);
  add_pair(table, "Expires", expires_human(claims.validity, now));
  add_pair(table, "Can Be Used", not_before_human(claims.validity, now));
  add_pair(table, "Version", fmt::format("{} ({})", version_of(claims), claims.rev.value_or(0)));
  add_pair(table, "Call Alias", alias_of(claims));
  add_heading(table, claims.provider ? "Capability Provider" : "Capabilities");
  if (claims.caps.empty()) table.row({{"", 2}});
  for (const std::string& contract_id : claims.caps)
    table.row({{std::string(claims::friendly_capability_name(contract_id)), 2}});
  add_heading(table, "Tags");
  table.row({{tags_of(claims), 2}});
  return table.render();
}

boost::json::object claims_json(const ActorClaims& claims, std::uint64_t now) {
  boost::json::array capabilities;
  for (const std::string& contract_id : claims.caps)
    capabilities.emplace_back(claims::friendly_capability_name(contract_id));
  return {{"account", claims.issuer},
          {"module", claims.subject},
          {"expires", expires_human(claims.validity, now)},
          {"can_be_used", not_before_human(claims.validity, now)},
          {"version", version_of(claims)},
          {"revision", claims.rev.value_or(0)},
          {claims.provider ? "capability_provider" : "capabilities", std::move(capabilities)},
          {"tags", tags_of(claims)},
          {"call_alias", alias_of(claims)}};
}

}  // namespace trellis::wash
