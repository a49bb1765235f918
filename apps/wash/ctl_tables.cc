#include "ctl_tables.h"

#include <fmt/format.h>

#include <algorithm>

#include "table.h"

namespace trellis::wash {
namespace {

std::string or_none(const std::string& text) { return text.empty() ? "N/A" : text; }

std::string field(const control::StringMap& record, const char* key) {
  auto found = record.find(key);
  return found == record.end() ? std::string() : found->second;
}

void actor_rows(const control::HostInventory& inventory, Table& table) {
  if (inventory.actors.empty()) return table.row({{"No actors found", 4}});
  table.row({{"Actor ID"}, {"Name"}, {"Image Reference", 2}});
  for (const auto& actor : inventory.actors)
    table.row({{actor.id}, {or_none(actor.name)}, {or_none(actor.image_ref), 2}});
}

void provider_rows(const control::HostInventory& inventory, Table& table) {
  if (inventory.providers.empty()) return table.row({{"No providers found", 4}});
  table.row({{"Provider ID"}, {"Name"}, {"Link Name"}, {"Image Reference"}});
  for (const auto& provider : inventory.providers) {
    table.row({{provider.id},
               {or_none(provider.name)},
               {provider.link_name},
               {or_none(provider.image_ref)}});
    // Said only when there is something to say: scripts know four columns.
    if (!provider.status.empty() && provider.status != "running")
      table.row({{fmt::format("  is {}: {}", provider.status, provider.reason), 4}});
  }
}

void put_text(boost::json::object& into, const char* key, const std::string& text) {
  if (!text.empty()) into[key] = text;
}

}  // namespace

std::string hosts_table(const std::vector<control::HostDescription>& hosts) {
  Table table;
  table.row({{"Host ID"}, {"Uptime (seconds)"}});
  for (const auto& host : hosts) table.row({{host.id}, {fmt::to_string(host.uptime_seconds)}});
  return table.render();
}

std::string inventory_table(const control::HostInventory& inventory) {
  Table table;
  table.row({{fmt::format("Host Inventory ({})", inventory.host_id), 4, Align::center}});
  if (inventory.labels.empty()) {
    table.row({{"No labels present", 4, Align::center}});
  } else {
    table.row({{"", 4, Align::center}});
    for (const auto& [key, value] : inventory.labels) table.row({{key, 2}, {value, 2}});
  }
  table.row({{"", 4, Align::center}});
  actor_rows(inventory, table);
  table.row({{"", 4}});
  provider_rows(inventory, table);
  return table.render();
}

std::string claims_table(const control::ClaimsList& list) {
  Table table;
  table.row({{"Claims", 2, Align::center}});
  for (const control::StringMap& record : list.claims) {
    table.row({{"Issuer"}, {field(record, "iss")}});
    table.row({{"Subject"}, {field(record, "sub")}});
    table.row({{"Capabilities"}, {field(record, "caps")}});
    table.row({{"Version"}, {field(record, "version")}});
    table.row({{"Revision"}, {field(record, "rev")}});
    table.row({{"", 2, Align::center}});
  }
  return table.render();
}

std::string links_table(const control::LinkList& list, bool with_status) {
  bool shown =
      with_status || std::ranges::any_of(list.links, [](const control::LinkDefinition& link) {
        return (!link.status.empty() && link.status != "active") || !link.reason.empty();
      });
  Table table;
  std::vector<Cell> head = {{"Actor ID"}, {"Provider ID"}, {"Contract ID"}, {"Link Name"}};
  if (shown) head.push_back({"Status"});
  table.row(std::move(head));
  for (const auto& link : list.links) {
    std::vector<Cell> row = {
        {link.actor_id}, {link.provider_id}, {link.contract_id}, {link.link_name}};
    std::string status = or_none(link.status);
    if (!link.reason.empty()) status += ": " + link.reason;
    if (shown) row.push_back({std::move(status)});
    table.row(std::move(row));
  }
  return table.render();
}

boost::json::array hosts_json(const std::vector<control::HostDescription>& hosts) {
  boost::json::array list;
  for (const auto& host : hosts) {
    boost::json::object json{{"id", host.id},
                             {"uptime_seconds", host.uptime_seconds},
                             {"labels", control::to_json(host.labels)}};
    put_text(json, "cluster_issuers", host.cluster_issuers);
    put_text(json, "ctl_host", host.ctl_host);
    put_text(json, "friendly_name", host.friendly_name);
    put_text(json, "js_domain", host.js_domain.value_or(""));
    put_text(json, "lattice_prefix", host.lattice_prefix);
    put_text(json, "prov_rpc_host", host.prov_rpc_host);
    put_text(json, "rpc_host", host.rpc_host);
    put_text(json, "uptime_human", host.uptime_human);
    put_text(json, "version", host.version);
    list.push_back(std::move(json));
  }
  return list;
}

boost::json::object inventory_json(const control::HostInventory& inventory) {
  boost::json::object json = control::to_json(inventory);
  for (const char* key : {"issuer", "friendly_name"})
    if (json[key].get_string().empty()) json.erase(key);
  for (const char* list : {"actors", "providers"}) {
    for (boost::json::value& entry : json[list].get_array()) {
      boost::json::object& each = entry.get_object();
      for (const char* key : {"image_ref", "name", "contract_id", "instance_id"}) {
        const boost::json::value* text = each.if_contains(key);
        if (text != nullptr && text->is_string() && text->get_string().empty()) each.erase(key);
      }
    }
  }
  return json;
}

}  // namespace trellis::wash
