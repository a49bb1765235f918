// The Service of an actor: what its links ask for, how that is written for the applier, and whether
// what is in the cluster is still that. Pure.
#pragma once

#include <algorithm>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "link_table.h"
#include "trellis/json.h"

namespace service_applier {

struct Port {
  std::string name;  // "" if it is the only one
  std::int64_t port = 0;
  std::string target;  // as JSON: 8080, "http"
  std::string protocol = "TCP";
  bool operator==(const Port&) const = default;
};

struct Service {
  using Labels = std::map<std::string, std::string, std::less<>>;
  std::string name;
  Labels labels, selector;
  std::vector<Port> ports;
};

inline constexpr std::string_view kActorLabel = "wasmcloud.dev/actor-id";
inline constexpr std::string_view kContractLabel = "wasmcloud.dev/contract";
inline constexpr std::string_view kLatticeLabel = "wasmcloud.dev/lattice";

// A name as it may stand in a cluster: a-z, 0-9 and '-' (and, in a label's value, A-Z, '_' and
// '.'), 63 at most, with a letter or digit at both ends.
inline std::string as_name(std::string_view text, bool label_value) {
  std::string name = label_value ? std::string(text) : lower(text);
  if (name.size() > 63) name.resize(63);
  const auto plain = [&](char c) {
    return is_digit(c) || (c >= 'a' && c <= 'z') || (label_value && c >= 'A' && c <= 'Z');
  };
  for (auto& c : name)
    if (!plain(c) && !(label_value && (c == '_' || c == '.'))) c = '-';
  while (!name.empty() && !plain(name.back())) name.pop_back();
  while (!name.empty() && !plain(name.front())) name.erase(0, 1);
  return name;
}

// The ports of these links, each once; by name if there are several.
inline std::vector<Port> ports_of(const std::vector<Link>& links) {
  std::vector<Port> ports;
  for (const auto& link : links) {
    const auto port = port_of(link.values);
    if (!port) continue;
    const auto taken = [&](const Port& other) { return other.port == *port; };
    if (std::any_of(ports.begin(), ports.end(), taken)) continue;
    ports.push_back({as_name(link.link_name, false), *port, std::to_string(*port)});
  }
  for (std::size_t i = 0; i < ports.size(); ++i) {
    const auto same = [&](const Port& other) { return other.name == ports[i].name; };
    if (ports[i].name.empty() || std::any_of(ports.begin(), ports.begin() + i, same))
      ports[i].name = as_name(ports[i].name.substr(0, 56), false) +
                      (ports[i].name.empty() ? "p" : "-") + std::to_string(ports[i].port);
  }
  if (ports.size() == 1) ports[0].name.clear();
  return ports;
}

// `links` are an actor's, with at least one port. `lattice` may be unknown, which is "".
inline Service service_of(std::vector<Link> links, std::string_view lattice) {
  std::sort(links.begin(), links.end(), [](const Link& a, const Link& b) {
    const bool first = a.link_name == "default", second = b.link_name == "default";
    return first != second ? first : a.link_name < b.link_name;
  });
  const auto& link = links.front();
  Service service{.name = lower(link.actor_id), .labels = {}, .selector = {}, .ports = {}};
  service.labels = {
      {std::string(kActorLabel), link.actor_id},
      {std::string(kContractLabel), link.contract_id.substr(link.contract_id.rfind(':') + 1)},
      {"wasmcloud.dev/link-name", as_name(link.link_name, true)},
      {"wasmcloud.dev/provider-id", link.provider_id}};
  if (!lattice.empty()) service.labels[std::string(kLatticeLabel)] = as_name(lattice, true);
  service.selector = {{"wasmcloud.dev/route-to", "true"}};
  service.ports = ports_of(links);
  return service;
}

inline void write(trellis::sdk::JsonWriter& json, const Service::Labels& labels) {
  json.object();
  for (const auto& [key, value] : labels) json.key(key).string(value);
  json.end();
}

inline void write(trellis::sdk::JsonWriter& json, const Service& service) {
  json.object().key("apiVersion").string("v1").key("kind").string("Service");
  json.key("metadata").object().key("name").string(service.name).key("labels");
  write(json, service.labels);
  json.end().key("spec").object().key("selector");
  write(json, service.selector);
  json.key("ports").array();
  for (const auto& port : service.ports) {
    json.object();
    if (!port.name.empty()) json.key("name").string(port.name);
    json.key("protocol").string(port.protocol).key("port").number(port.port);
    json.key("targetPort").number(port.port).end();
  }
  json.end().end().end();
}

// JSON, which is YAML: one Service, or a List of several.
inline std::string manifest_of(const std::vector<const Service*>& services) {
  trellis::sdk::JsonWriter json;
  if (services.size() == 1) {
    write(json, *services.front());
    return json.take();
  }
  json.object().key("apiVersion").string("v1").key("kind").string("List").key("items").array();
  for (const auto* service : services) write(json, *service);
  return json.end().end().take();
}

// --- what is there ---

inline Service::Labels read_labels(trellis::sdk::JsonReader& json) {
  Service::Labels labels;
  json.object([&](std::string_view key) {
    labels[std::string(key)] = text_or_nothing(json);
    return true;
  });
  return labels;
}

inline Port read_port(trellis::sdk::JsonReader& json) {
  Port port;
  json.object([&](std::string_view key) {
    if (key == "name") {
      port.name = text_or_nothing(json);
    } else if (key == "port") {
      port.port = json.integer();
    } else if (key == "targetPort") {
      port.target = std::string(json.raw());
    } else if (key == "protocol") {
      port.protocol = text_or_nothing(json);
    } else {
      return false;
    }
    return true;
  });
  return port;
}

inline Service read_service(trellis::sdk::JsonReader& json) {
  Service service;
  const auto metadata = [&](std::string_view key) {
    if (key == "name") return service.name = text_or_nothing(json), true;
    if (key == "labels") return service.labels = read_labels(json), true;
    return false;
  };
  const auto spec = [&](std::string_view key) {
    if (key == "selector") return service.selector = read_labels(json), true;
    if (key != "ports") return false;
    json.array([&] { service.ports.push_back(read_port(json)); });
    return true;
  };
  json.object([&](std::string_view key) {
    if (key == "metadata") return json.object(metadata), true;
    if (key == "spec") return json.object(spec), true;
    return false;
  });
  return service;
}

using Services = std::map<std::string, Service, std::less<>>;  // by name

// nullopt: the text is no list of objects.
inline std::optional<Services> read_services(std::string_view text) {
  trellis::sdk::JsonReader json(text);
  Services services;
  json.array([&] {
    auto service = read_service(json);
    auto name = service.name;
    services[std::move(name)] = std::move(service);
  });
  if (!json.finish()) return std::nullopt;
  return services;
}

// Whether `there` still says what `wanted` does. Labels that others added are theirs.
inline bool differs(const Service& there, const Service& wanted) {
  for (const auto& [key, value] : wanted.labels) {
    const auto found = there.labels.find(key);
    if (found == there.labels.end() || found->second != value) return true;
  }
  const auto missing = [&](const Port& port) {
    return std::find(there.ports.begin(), there.ports.end(), port) == there.ports.end();
  };
  return there.selector != wanted.selector || there.ports.size() != wanted.ports.size() ||
         std::any_of(wanted.ports.begin(), wanted.ports.end(), missing);
}

}  // namespace service_applier
