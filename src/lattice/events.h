// The events of a lattice, one builder per event with exactly the fields of docs/protocol.md §7.
// Used by the host, which publishes them: invocation_* on Subjects::invocation_events(), all others
// on Subjects::events(). Pure values; any core.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/array.hpp>

#include "claims/claims.h"
#include "codec/cloud_event.h"
#include "lattice/invocation.h"
#include "lattice/link.h"

namespace trellis::lattice {

using StringMap = std::map<std::string, std::string>;

struct HeartbeatActor {  // one per instance
  std::string public_key, instance_id;
};
struct HeartbeatProvider {  // names a running provider
  std::string public_key, link_name, contract_id, instance_id;
};
struct Heartbeat {
  std::vector<HeartbeatActor> actors;
  std::vector<HeartbeatProvider> providers;
  StringMap labels;
  std::string friendly_name, version, uptime_human;
  std::uint64_t uptime_seconds = 0;
  std::string seal{};  // which seal the host knows (invocation_seal.h); ours beyond 2022's fields
};

struct ActorStarted {
  std::string image_ref;  // must equal the reference of the request, byte for byte
  std::uint32_t api_version = 0;
  std::string instance_id;
  StringMap annotations;
};
struct ProviderStarted {
  std::string image_ref;  // as above; "" when there is none, never absent
  std::string link_name, contract_id, instance_id;
  StringMap annotations;
};

// Makes the events of one host: source, a fresh id and the time are filled in.
class Events {
 public:
  explicit Events(std::string host_key) : host_key_(std::move(host_key)) {}

  codec::CloudEvent host_started(const StringMap& labels, std::string_view friendly_name) const;
  codec::CloudEvent host_stopped(const StringMap& labels) const;
  codec::CloudEvent host_heartbeat(const Heartbeat& heartbeat) const;

  codec::CloudEvent actor_started(const claims::ActorClaims& claims, const ActorStarted& started,
                                  std::uint64_t now_unix) const;
  // `reference`: what was asked for; the public key when instantiation failed.
  codec::CloudEvent actor_start_failed(std::string_view reference, std::string_view error) const;
  codec::CloudEvent actor_stopped(std::string_view public_key, std::string_view instance_id) const;
  codec::CloudEvent actor_updated(std::string_view public_key, std::int32_t revision,
                                  std::string_view instance_id) const;
  codec::CloudEvent actor_update_failed(std::string_view public_key, std::int32_t revision,
                                        std::string_view instance_id,
                                        std::string_view reason) const;

  codec::CloudEvent provider_started(const claims::ProviderClaims& claims,
                                     const ProviderStarted& started, std::uint64_t now_unix) const;
  codec::CloudEvent provider_start_failed(std::string_view reference, std::string_view link_name,
                                          std::string_view error) const;
  codec::CloudEvent provider_stopped(const HeartbeatProvider& provider,
                                     std::string_view reason) const;
  codec::CloudEvent health_check_passed(std::string_view public_key,
                                        std::string_view link_name) const;
  codec::CloudEvent health_check_failed(std::string_view public_key,
                                        std::string_view link_name) const;

  codec::CloudEvent linkdef_set(const Link& link) const;
  codec::CloudEvent linkdef_deleted(const Link& link) const;
  codec::CloudEvent refmap_set(std::string_view reference, std::string_view public_key) const;

  // Actors' contract_id and link_name are null; `bytes` is the size of the payload.
  codec::CloudEvent invocation_succeeded(const Entity& source, const Entity& dest,
                                         std::string_view operation, std::uint64_t bytes) const;
  codec::CloudEvent invocation_failed(const Entity& source, const Entity& dest,
                                      std::string_view operation, std::uint64_t bytes) const;

 private:
  codec::CloudEvent make(std::string_view name, boost::json::object data) const;
  std::string host_key_;
};

}  // namespace trellis::lattice
