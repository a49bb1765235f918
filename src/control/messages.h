// The control interface: what wash and the dashboard say to hosts and what hosts answer, as structs
// and as the JSON of docs/protocol.md §6. Parsers accept what any 2022 client sends; writers send
// what any 2022 client reads.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/object.hpp>

#include "base/result.h"

namespace trellis::control {

using StringMap = std::map<std::string, std::string>;

struct Ack {
  bool accepted = true;
  std::string error;
  std::string warning = {};  // ours: accepted, but somebody should know; left out when empty
};

struct HostDescription {  // answer to ping.hosts
  std::string id, issuer, friendly_name, uptime_human, version, cluster_issuers, lattice_prefix;
  std::string ctl_host, prov_rpc_host, rpc_host;
  std::optional<std::string> js_domain;
  StringMap labels;
  std::uint64_t uptime_seconds = 0;
};

struct ActorInstance {
  std::string instance_id;
  std::int32_t revision = 0;
  StringMap annotations;
};
struct ActorDescription {
  std::string id, image_ref, name;
  std::vector<ActorInstance> instances;
  // Ours beyond 2022; absent fields are left out.
  std::string digest, mode;  // "fresh" | "reuse"
};
struct LinkStatus {  // ours: the true state of a link at its provider
  // "active" | "failed" | "pending"; the reason of an active one is a warning, "" if all is well
  std::string actor_id, status, reason;
};
struct ProviderDescription {
  std::string id, image_ref, link_name, name, contract_id, instance_id;
  std::int32_t revision = 0;
  StringMap annotations;
  // Ours beyond 2022; absent when the host does not say.
  std::string digest = {};
  std::vector<LinkStatus> links;
  std::string status = {}, reason = {};  // "starting" | "running" | "unhealthy" | "down", and why
};
struct HostInventory {
  std::string host_id, issuer, friendly_name;
  StringMap labels;
  std::vector<ActorDescription> actors;
  std::vector<ProviderDescription> providers;
};

struct StartActor {  // cmd.<host>.la
  std::string actor_ref, host_id;
  std::uint16_t count = 1;
  StringMap annotations;
};
struct StopActor {  // cmd.<host>.sa; actor_ref is the public key; count 0 = all
  std::string actor_ref, host_id;
  std::uint16_t count = 0;
  StringMap annotations;
};
struct ScaleActor {  // cmd.<host>.scale
  std::string actor_id, actor_ref, host_id;
  std::uint16_t count = 1;
  StringMap annotations;
};
struct UpdateActor {  // cmd.<host>.upd
  std::string actor_id, new_actor_ref, host_id;
  StringMap annotations;
};
struct StartProvider {  // cmd.<host>.lp
  std::string provider_ref, link_name = "default", host_id, configuration;
  StringMap annotations;
};
struct StopProvider {  // cmd.<host>.sp; provider_ref is the public key
  std::string provider_ref, link_name, contract_id, host_id;
  StringMap annotations;
};
struct StopHost {  // cmd.<host>.stop
  std::string host_id;
  std::optional<std::uint64_t> timeout_ms;
};
struct ActorAuction {
  std::string actor_ref;
  StringMap constraints;
  std::string host_id;  // in the bid
};
struct ProviderAuction {
  std::string provider_ref, link_name = "default";
  StringMap constraints;
  std::string host_id;
};

struct LinkDefinition {  // linkdefs.put and .del; an entry of get.links
  std::string actor_id, provider_id, link_name = "default", contract_id;
  StringMap values;
  // Ours: the true state of the link, in answers to get.links; absent when the host does not say.
  std::string status, reason;  // "active" | "failed" | "pending"
};
struct LinkList {  // answer to get.links
  std::vector<LinkDefinition> links;
};
struct ClaimsList {  // answer to get.claims: the records of protocol.md §5.4
  std::vector<StringMap> claims;
};

// One pair of overloads per struct above: to_json(x) and parse<X>(body). Fields that 2022 clients
// leave out when they have nothing to say (annotations, configuration) are left out here too.
boost::json::object to_json(const Ack&);
boost::json::object to_json(const HostDescription&);
boost::json::object to_json(const ActorInstance&);
boost::json::object to_json(const ActorDescription&);
boost::json::object to_json(const LinkStatus&);
boost::json::object to_json(const LinkStatus&);
boost::json::object to_json(const ProviderDescription&);
boost::json::object to_json(const HostInventory&);
boost::json::object to_json(const StartActor&);
boost::json::object to_json(const StopActor&);
boost::json::object to_json(const ScaleActor&);
boost::json::object to_json(const UpdateActor&);
boost::json::object to_json(const StartProvider&);
boost::json::object to_json(const StopProvider&);
boost::json::object to_json(const StopHost&);
boost::json::object to_json(const ActorAuction&);
boost::json::object to_json(const ProviderAuction&);
boost::json::object to_json(const LinkDefinition&);
boost::json::object to_json(const LinkList&);
boost::json::object to_json(const ClaimsList&);
boost::json::object to_json(const StringMap&);

// Errors carry the 2022 texts of protocol.md §6.6–6.8 ("Invalid launch actor JSON request", …).
template <class T>
Result<T> parse(std::string_view body);

}  // namespace trellis::control
