#include "console/status_page.h"

#include <fmt/format.h>

#include <string_view>

namespace trellis::console {
namespace {

namespace json = boost::json;

std::string escaped(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

constexpr std::string_view kHead = R"(<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta http-equiv="refresh" content="5"><title>Trellis</title>
<style>
:root{color-scheme:light dark;--line:color-mix(in srgb,currentColor 18%,transparent)}
body{font:15px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.4rem;margin:0}h2{font-size:1.05rem;margin:2rem 0 .5rem}
table{border-collapse:collapse;width:100%}td,th{text-align:left;padding:.35rem .75rem .35rem 0;
border-bottom:1px solid var(--line);vertical-align:top}th{font-weight:600}
code{font-size:.85em;overflow-wrap:anywhere}.dim{opacity:.65}.bad{color:#c0392b}.ok{color:#1e8449}
</style></head><body>
)";

std::string row(std::initializer_list<std::string> cells) {
  std::string out = "<tr>";
  for (const auto& cell : cells) out += "<td>" + cell + "</td>";
  return out + "</tr>\n";
}

std::string code(std::string_view text) { return "<code>" + escaped(text) + "</code>"; }

std::string table(std::initializer_list<std::string_view> heads, const std::string& rows,
                  std::string_view empty) {
  if (rows.empty()) return fmt::format("<p class=\"dim\">{}</p>\n", empty);
  std::string out = "<table><tr>";
  for (const auto head : heads) out += fmt::format("<th>{}</th>", head);
  return out + "</tr>\n" + rows + "</table>\n";
}

std::string text_of(const json::object& object, const char* key) {
  const auto* value = object.if_contains(key);
  return value != nullptr && value->is_string() ? std::string(value->as_string()) : std::string();
}

std::string actor_rows(const control::HostInventory& inventory) {
  std::string rows;
  for (const auto& actor : inventory.actors) {
    rows += row({escaped(actor.name), std::to_string(actor.instances.size()), escaped(actor.mode),
                 code(actor.image_ref), code(actor.id)});
  }
  return rows;
}

std::string provider_rows(const control::HostInventory& inventory) {
  std::string rows;
  for (const auto& provider : inventory.providers) {
    rows += row({escaped(provider.name), escaped(provider.link_name), code(provider.contract_id),
                 code(provider.image_ref), code(provider.id)});
  }
  return rows;
}

std::string link_rows(const json::array& links) {
  std::string rows;
  for (const auto& entry : links) {
    const auto& link = entry.as_object();
    const auto status = text_of(link, "status");
    const auto* style = status == "active" ? "ok" : status == "failed" ? "bad" : "dim";
    rows += row({fmt::format("<span class=\"{}\">{}</span> {}", style, escaped(status),
                             escaped(text_of(link, "reason"))),
                 escaped(text_of(link, "link_name")), code(text_of(link, "contract_id")),
                 code(text_of(link, "actor_id")), code(text_of(link, "provider_id"))});
  }
  return rows;
}

}  // namespace

std::string status_page(const control::HostDescription& host,
                        const control::HostInventory& inventory, const json::array& links,
                        const std::string& bus) {
  std::string out(kHead);
  out +=
      fmt::format("<h1>{}</h1>\n<p class=\"dim\">Trellis {} · lattice {} · {} · up {}<br>{}</p>\n",
                  escaped(host.friendly_name), escaped(host.version), escaped(host.lattice_prefix),
                  escaped(bus), escaped(host.uptime_human), code(host.id));
  out +=
      "<h2>Actors</h2>\n" +
      table(
          {"Name", "Count", "Instances", "Reference", "Key"}, actor_rows(inventory),
          "None yet. Start one: <code>wash ctl start actor wasmcloud.azurecr.io/echo:0.3.4</code>");
  out += "<h2>Providers</h2>\n" + table({"Name", "Link name", "Contract", "Reference", "Key"},
                                        provider_rows(inventory),
                                        "None yet. Start one: <code>wash ctl start provider "
                                        "wasmcloud.azurecr.io/httpserver:0.16.3</code>");
  out += "<h2>Links</h2>\n" + table({"State", "Link name", "Contract", "Actor", "Provider"},
                                    link_rows(links),
                                    "None yet. Make one: <code>wash ctl link put &lt;actor&gt; "
                                    "&lt;provider&gt; wasmcloud:httpserver "
                                    "ADDRESS=0.0.0.0:8080</code>");
  std::string labels;
  for (const auto& [key, value] : inventory.labels) labels += row({escaped(key), escaped(value)});
  out += "<h2>Labels</h2>\n" + table({"Label", "Value"}, labels, "None");
  return out + "</body></html>\n";
}

}  // namespace trellis::console
