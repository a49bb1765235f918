#include "control/messages.h"

#include <fmt/format.h>

#include <utility>

#include <boost/json/array.hpp>

#include "codec/json.h"
#include "control/fields.h"

namespace trellis::control {
namespace {

using boost::json::array;
using boost::json::object;

void add(object& to, const char* key, const StringMap& map) {
  if (!map.empty()) to[key] = to_json(map);
}
void add(object& to, const char* key, const std::string& text) {
  if (!text.empty()) to[key] = text;
}

template <class T>
array to_array(const std::vector<T>& items) {
  array list;
  list.reserve(items.size());
  for (const T& item : items) list.push_back(to_json(item));
  return list;
}

void read(Fields& fields, Ack& ack) {
  if (!fields.flag("accepted", ack.accepted)) fields.wrong("accepted", "present");
  fields.text("error", ack.error);
  fields.text("warning", ack.warning);
}

void read(Fields& fields, HostDescription& host) {
  fields.need("id", host.id);
  fields.text("issuer", host.issuer);
  fields.text("friendly_name", host.friendly_name);
  fields.text("uptime_human", host.uptime_human);
  fields.text("version", host.version);
  fields.text("cluster_issuers", host.cluster_issuers);
  fields.text("lattice_prefix", host.lattice_prefix);
  fields.text("ctl_host", host.ctl_host);
  fields.text("prov_rpc_host", host.prov_rpc_host);
  fields.text("rpc_host", host.rpc_host);
  fields.text("js_domain", host.js_domain);
  fields.map("labels", host.labels);
  fields.number("uptime_seconds", host.uptime_seconds);
}

void read(Fields& fields, ActorDescription& actor) {
  fields.need("id", actor.id);
  fields.text("image_ref", actor.image_ref);
  fields.text("name", actor.name);
  fields.text("digest", actor.digest);
  fields.text("mode", actor.mode);
  fields.list("instances", [&](const object& each) {
    Fields inner(each);
    ActorInstance& instance = actor.instances.emplace_back();
    inner.text("instance_id", instance.instance_id);
    inner.number("revision", instance.revision);
    inner.map("annotations", instance.annotations);
    if (!inner.problem().empty()) fields.wrong("instances", "well formed: " + inner.problem());
  });
}

void read(Fields& fields, LinkStatus& link) {
  fields.text("actor_id", link.actor_id);
  fields.text("status", link.status);
  fields.text("reason", link.reason);
}

void read(Fields& fields, ProviderDescription& provider) {
  fields.need("id", provider.id);
  fields.text("image_ref", provider.image_ref);
  fields.text("link_name", provider.link_name);
  fields.text("name", provider.name);
  fields.text("contract_id", provider.contract_id);
  fields.text("instance_id", provider.instance_id);
  fields.number("revision", provider.revision);
  fields.map("annotations", provider.annotations);
  fields.text("digest", provider.digest);
  fields.text("status", provider.status);
  fields.text("reason", provider.reason);
  fields.list("links", [&](const object& each) {
    Fields inner(each);
    read(inner, provider.links.emplace_back());
    if (!inner.problem().empty()) fields.wrong("links", "well formed: " + inner.problem());
  });
}

template <class T>
void read_list(Fields& fields, const char* key, std::vector<T>& into);

void read(Fields& fields, HostInventory& inventory) {
  fields.need("host_id", inventory.host_id);
  fields.text("issuer", inventory.issuer);
  fields.text("friendly_name", inventory.friendly_name);
  fields.map("labels", inventory.labels);
  read_list(fields, "actors", inventory.actors);
  read_list(fields, "providers", inventory.providers);
}

void read(Fields& fields, StartActor& command) {
  fields.need("actor_ref", command.actor_ref);
  fields.text("host_id", command.host_id);
  fields.count("count", command.count);
  fields.map("annotations", command.annotations);
  if (command.count == 0)
    command.count = 1;  // docs/protocol.md §6.6: documented so, done otherwise in 2022
}

void read(Fields& fields, StopActor& command) {
  fields.need("actor_ref", command.actor_ref);
  fields.text("host_id", command.host_id);
  if (!fields.count("count", command.count)) fields.wrong("count", "present");
  fields.map("annotations", command.annotations);
}

void read(Fields& fields, ScaleActor& command) {
  fields.need("actor_id", command.actor_id);
  fields.need("actor_ref", command.actor_ref);
  fields.text("host_id", command.host_id);
  if (!fields.count("count", command.count)) fields.wrong("count", "present");
  fields.map("annotations", command.annotations);
}

void read(Fields& fields, UpdateActor& command) {
  fields.text("actor_id", command.actor_id);
  fields.need("new_actor_ref", command.new_actor_ref);
  fields.text("host_id", command.host_id);
  fields.map("annotations", command.annotations);
}

void read(Fields& fields, StartProvider& command) {
  fields.need("provider_ref", command.provider_ref);
  fields.need("link_name", command.link_name);
  fields.text("host_id", command.host_id);
  fields.text("configuration", command.configuration);
  fields.map("annotations", command.annotations);
}

void read(Fields& fields, StopProvider& command) {
  fields.need("provider_ref", command.provider_ref);
  fields.need("link_name", command.link_name);
  fields.text("contract_id", command.contract_id);
  fields.text("host_id", command.host_id);
  fields.map("annotations", command.annotations);
}

void read(Fields& fields, StopHost& command) {
  fields.text("host_id", command.host_id);
  fields.number("timeout", command.timeout_ms);
}

void read(Fields& fields, ActorAuction& auction) {
  fields.need("actor_ref", auction.actor_ref);
  fields.map("constraints", auction.constraints);
  fields.text("host_id", auction.host_id);
}

void read(Fields& fields, ProviderAuction& auction) {
  fields.need("provider_ref", auction.provider_ref);
  fields.text("link_name", auction.link_name);
  fields.map("constraints", auction.constraints);
  fields.text("host_id", auction.host_id);
}

void read(Fields& fields, LinkDefinition& link) {
  fields.need("actor_id", link.actor_id);
  fields.text("provider_id", link.provider_id);
  fields.text("link_name", link.link_name);
  fields.need("contract_id", link.contract_id);
  fields.map("values", link.values);
  fields.text("status", link.status);
  fields.text("reason", link.reason);
}

void read(Fields& fields, LinkList& list) { read_list(fields, "links", list.links); }

template <class T>
void read_list(Fields& fields, const char* key, std::vector<T>& into) {
  fields.list(key, [&](const object& each) {
    Fields inner(each);
    read(inner, into.emplace_back());
    if (!inner.problem().empty()) fields.wrong(key, "well formed: " + inner.problem());
  });
}

template <class T>
Result<T> parse_as(std::string_view body, const char* site, std::string_view text, bool explain) {
  auto refuse = [&](std::string_view reason) {
    std::string detail(text);
    if (explain) detail.append(": ").append(reason);
    return fail(Errc::invalid, site, std::move(detail));
  };
  Result<codec::json::value> value = codec::json_parse(body);
  if (!value) return refuse(value.error().detail);
  if (!value->is_object()) return refuse("not a JSON object");
  T message;
  Fields fields(value->get_object());
  read(fields, message);
  if (!fields.problem().empty()) return refuse(fields.problem());
  return message;
}

}  // namespace

object to_json(const StringMap& map) {
  object json;
  for (const auto& [key, value] : map) json[key] = value;
  return json;
}

object to_json(const Ack& ack) {
  object out{{"accepted", ack.accepted}, {"error", ack.error}};
  if (!ack.warning.empty()) out["warning"] = ack.warning;
  return out;
}

object to_json(const HostDescription& host) {
  object json{{"id", host.id},
              {"issuer", host.issuer},
              {"labels", to_json(host.labels)},
              {"friendly_name", host.friendly_name},
              {"uptime_seconds", host.uptime_seconds},
              {"uptime_human", host.uptime_human},
              {"version", host.version},
              {"cluster_issuers", host.cluster_issuers},
              {"js_domain", nullptr},
              {"ctl_host", host.ctl_host},
              {"prov_rpc_host", host.prov_rpc_host},
              {"rpc_host", host.rpc_host},
              {"lattice_prefix", host.lattice_prefix}};
  if (host.js_domain) json["js_domain"] = *host.js_domain;
  return json;
}

object to_json(const ActorInstance& instance) {
  return {{"annotations", to_json(instance.annotations)},
          {"instance_id", instance.instance_id},
          {"revision", instance.revision}};
}

object to_json(const ActorDescription& actor) {
  object json{{"id", actor.id},
              {"image_ref", actor.image_ref},
              {"name", actor.name},
              {"instances", to_array(actor.instances)}};
  add(json, "digest", actor.digest);
  add(json, "mode", actor.mode);
  return json;
}

object to_json(const LinkStatus& link) {
  object json{{"actor_id", link.actor_id}, {"status", link.status}};
  add(json, "reason", link.reason);
  return json;
}

object to_json(const ProviderDescription& provider) {
  object json{{"id", provider.id},
              {"image_ref", provider.image_ref},
              {"link_name", provider.link_name},
              {"name", provider.name},
              {"contract_id", provider.contract_id},
              {"instance_id", provider.instance_id},
              {"annotations", to_json(provider.annotations)},
              {"revision", provider.revision}};
  add(json, "digest", provider.digest);
  if (!provider.links.empty()) json["links"] = to_array(provider.links);
  if (!provider.status.empty()) json["status"] = provider.status;
  if (!provider.reason.empty()) json["reason"] = provider.reason;
  return json;
}

object to_json(const HostInventory& inventory) {
  return {{"host_id", inventory.host_id},         {"issuer", inventory.issuer},
          {"labels", to_json(inventory.labels)},  {"friendly_name", inventory.friendly_name},
          {"actors", to_array(inventory.actors)}, {"providers", to_array(inventory.providers)}};
}

object to_json(const StartActor& command) {
  object json{{"actor_ref", command.actor_ref}};
  add(json, "annotations", command.annotations);
  json["count"] = command.count;
  json["host_id"] = command.host_id;
  return json;
}

object to_json(const StopActor& command) {
  object json{{"actor_ref", command.actor_ref}};
  add(json, "annotations", command.annotations);
  json["count"] = command.count;
  json["host_id"] = command.host_id;
  return json;
}

object to_json(const ScaleActor& command) {
  return {{"actor_id", command.actor_id},
          {"actor_ref", command.actor_ref},
          {"annotations", to_json(command.annotations)},
          {"count", command.count},
          {"host_id", command.host_id}};
}

object to_json(const UpdateActor& command) {
  object json{{"actor_id", command.actor_id}};
  add(json, "annotations", command.annotations);
  json["host_id"] = command.host_id;
  json["new_actor_ref"] = command.new_actor_ref;
  return json;
}

object to_json(const StartProvider& command) {
  object json;
  add(json, "annotations", command.annotations);
  add(json, "configuration", command.configuration);
  json["host_id"] = command.host_id;
  json["link_name"] = command.link_name;
  json["provider_ref"] = command.provider_ref;
  return json;
}

object to_json(const StopProvider& command) {
  object json;
  add(json, "annotations", command.annotations);
  json["contract_id"] = command.contract_id;
  json["host_id"] = command.host_id;
  json["link_name"] = command.link_name;
  json["provider_ref"] = command.provider_ref;
  return json;
}

object to_json(const StopHost& command) {
  object json{{"host_id", command.host_id}};
  if (command.timeout_ms) json["timeout"] = *command.timeout_ms;
  return json;
}

object to_json(const ActorAuction& auction) {
  object json{{"actor_ref", auction.actor_ref}, {"constraints", to_json(auction.constraints)}};
  add(json, "host_id", auction.host_id);
  return json;
}

object to_json(const ProviderAuction& auction) {
  object json{{"constraints", to_json(auction.constraints)},
              {"link_name", auction.link_name},
              {"provider_ref", auction.provider_ref}};
  add(json, "host_id", auction.host_id);
  return json;
}

object to_json(const LinkDefinition& link) {
  object json{{"actor_id", link.actor_id},
              {"provider_id", link.provider_id},
              {"link_name", link.link_name},
              {"contract_id", link.contract_id},
              {"values", to_json(link.values)}};
  add(json, "status", link.status);
  add(json, "reason", link.reason);
  return json;
}

object to_json(const LinkList& list) { return {{"links", to_array(list.links)}}; }
object to_json(const ClaimsList& list) { return {{"claims", to_array(list.claims)}}; }

template <>
Result<Ack> parse<Ack>(std::string_view body) {
  return parse_as<Ack>(body, "control.ack", "Unreadable acknowledgement", true);
}
template <>
Result<HostDescription> parse<HostDescription>(std::string_view body) {
  return parse_as<HostDescription>(body, "control.host", "Unreadable answer to a ping", true);
}
template <>
Result<LinkStatus> parse<LinkStatus>(std::string_view body) {
  return parse_as<LinkStatus>(body, "control.link", "Unreadable state of a link", true);
}
template <>
Result<HostInventory> parse<HostInventory>(std::string_view body) {
  return parse_as<HostInventory>(body, "control.inventory", "Unreadable inventory", true);
}
template <>
Result<StartActor> parse<StartActor>(std::string_view body) {
  return parse_as<StartActor>(body, "control.start_actor", "Invalid launch actor JSON request",
                              false);
}
template <>
Result<StopActor> parse<StopActor>(std::string_view body) {
  return parse_as<StopActor>(body, "control.stop_actor", "Invalid request to stop actor", false);
}
template <>
Result<ScaleActor> parse<ScaleActor>(std::string_view body) {
  return parse_as<ScaleActor>(body, "control.scale", "Invalid scale actor JSON request", false);
}
template <>
Result<UpdateActor> parse<UpdateActor>(std::string_view body) {
  return parse_as<UpdateActor>(body, "control.update", "Invalid JSON request to update actor",
                               false);
}
template <>
Result<StartProvider> parse<StartProvider>(std::string_view body) {
  return parse_as<StartProvider>(body, "control.start_provider",
                                 "Improperly formed start provider command JSON", false);
}
template <>
Result<StopProvider> parse<StopProvider>(std::string_view body) {
  return parse_as<StopProvider>(body, "control.stop_provider",
                                "Invalid JSON request for stop provider", false);
}
template <>
Result<StopHost> parse<StopHost>(std::string_view body) {
  return parse_as<StopHost>(body, "control.stop_host", "Unable to parse stop host command", true);
}
template <>
Result<ActorAuction> parse<ActorAuction>(std::string_view body) {
  return parse_as<ActorAuction>(body, "control.auction", "Invalid actor auction", true);
}
template <>
Result<ProviderAuction> parse<ProviderAuction>(std::string_view body) {
  return parse_as<ProviderAuction>(body, "control.auction", "Invalid provider auction", true);
}
template <>
Result<LinkDefinition> parse<LinkDefinition>(std::string_view body) {
  return parse_as<LinkDefinition>(body, "control.link", "Invalid link definition", true);
}
template <>
Result<LinkList> parse<LinkList>(std::string_view body) {
  return parse_as<LinkList>(body, "control.links", "Unreadable list of links", true);
}

template <>
Result<ClaimsList> parse<ClaimsList>(std::string_view body) {
  auto refuse = [](std::string_view reason) {
    return fail(Errc::invalid, "control.claims",
                fmt::format("Unreadable list of claims: {}", reason));
  };
  Result<codec::json::value> value = codec::json_parse(body);
  if (!value) return refuse(value.error().detail);
  if (!value->is_object()) return refuse("not a JSON object");
  const boost::json::value* records = value->get_object().if_contains("claims");
  if (records == nullptr || !records->is_array()) return refuse("`claims` must be a list");
  ClaimsList list;
  for (const boost::json::value& record : records->get_array()) {
    object wrapped{{"record", record}};
    Fields fields(wrapped);
    fields.map("record", list.claims.emplace_back());
    if (!fields.problem().empty()) return refuse(fields.problem());
  }
  return list;
}

}  // namespace trellis::control
