// Links, as events and as the lattice's table of them tell of them. Pure. docs/protocol.md §6.3.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "address.h"
#include "trellis/json_reader.h"

namespace service_applier {

inline constexpr std::string_view kHttpServer = "wasmcloud:httpserver";

struct Link {
  std::string actor_id, provider_id, link_name, contract_id;
  Values values;

  bool same_place(const Link& other) const {
    return actor_id == other.actor_id && link_name == other.link_name &&
           contract_id == other.contract_id;
  }
};

inline std::string text_or_nothing(trellis::sdk::JsonReader& json) {
  if (json.next() == '"') return json.string();
  json.skip();
  return {};
}

inline Link read_link(trellis::sdk::JsonReader& json) {
  Link link;
  json.object([&](std::string_view key) {
    if (key == "actor_id") {
      link.actor_id = text_or_nothing(json);
    } else if (key == "provider_id") {
      link.provider_id = text_or_nothing(json);
    } else if (key == "link_name") {
      link.link_name = text_or_nothing(json);
    } else if (key == "contract_id") {
      link.contract_id = text_or_nothing(json);
    } else if (key == "values" && json.next() == '{') {
      json.object([&](std::string_view name) {
        link.values[lower(name)] = text_or_nothing(json);
        return true;
      });
    } else {
      return false;
    }
    return true;
  });
  return link;
}

// {"links":[…]}: those of HTTP servers. nullopt: it is something else, or there are none at all, as
// with a host that has just joined (who asks has links itself): so nobody knows.
inline std::optional<std::vector<Link>> read_links(std::string_view text) {
  trellis::sdk::JsonReader json(text);
  std::vector<Link> links;
  bool found = false;  // a link of whatever kind
  json.object([&](std::string_view key) {
    if (key != "links") return false;
    json.array([&] {
      found = true;
      auto link = read_link(json);
      if (link.contract_id == kHttpServer) links.push_back(std::move(link));
    });
    return true;
  });
  if (!json.finish() || !found) return std::nullopt;
  return links;
}

// An event of the lattice, as far as it matters here.
struct Event {
  std::string type;
  std::string_view data;  // as it stands; "" if there is none
};

inline trellis::sdk::Result<Event> read_event(std::string_view text) {
  trellis::sdk::JsonReader json(text);
  Event event;
  json.object([&](std::string_view key) {
    if (key == "type") {
      event.type = text_or_nothing(json);
    } else if (key == "data") {
      event.data = json.raw();
    } else {
      return false;
    }
    return true;
  });
  if (!json.finish())
    return trellis::sdk::Error{"deserialization: Invalid JSON data in message: " + json.error()};
  return event;
}

}  // namespace service_applier
