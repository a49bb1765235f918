#include "par_report.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "table.h"

namespace trellis::wash {
namespace {

std::string or_none(const std::string& text) { return text.empty() ? "None" : text; }

std::string revision_of(const claims::ProviderClaims& claims) {
  return claims.rev ? fmt::to_string(*claims.rev) : "None";
}

std::vector<std::string> targets_of(const artifact::ProviderArchive& archive) {
  std::vector<std::string> targets;
  for (const auto& [target, program] : archive.programs) targets.push_back(target);
  return targets;
}

}  // namespace

std::string archive_table(const artifact::ProviderArchive& archive) {
  const auto& claims = archive.claims;
  Table table;
  const auto heading = [&](std::string text) { table.row({{std::move(text), 2, Align::center}}); };
  const auto pair = [&](std::string name, std::string value) {
    table.row({{std::move(name)}, {std::move(value), 1, Align::right}});
  };
  heading(fmt::format("{} - Provider Archive", or_none(claims.name)));
  pair("Account", claims.issuer);
  pair("Service", claims.subject);
  pair("Capability Contract ID", claims.contract_id);
  pair("Vendor", claims.vendor);
  pair("Version", claims.ver.value_or("None"));
  pair("Revision", revision_of(claims));
  heading("Supported Architecture Targets");
  for (const auto& target : targets_of(archive)) table.row({{target, 2}});
  return table.render();
}

boost::json::object archive_json(const artifact::ProviderArchive& archive) {
  const auto& claims = archive.claims;
  const auto targets = targets_of(archive);
  return {{"name", or_none(claims.name)},
          {"issuer", claims.issuer},
          {"service", claims.subject},
          {"capability_contract_id", claims.contract_id},
          {"vendor", claims.vendor},
          {"version", claims.ver.value_or("None")},
          {"revision", revision_of(claims)},
          {"targets", boost::json::array(targets.begin(), targets.end())}};
}

}  // namespace trellis::wash
