#include "lattice/events.h"

#include <chrono>
#include <optional>

namespace trellis::lattice {

namespace json = boost::json;

namespace {

json::object to_object(const StringMap& map) {
  json::object object;
  for (const auto& [key, value] : map) object[key] = value;
  return object;
}

json::array to_array(const std::vector<std::string>& texts) {
  json::array array;
  array.reserve(texts.size());
  for (const auto& text : texts) array.emplace_back(text);
  return array;
}

json::value text_or_null(const std::optional<std::string>& text) {
  return text ? json::value(*text) : json::value(nullptr);
}

json::value text_or_null(const std::string& text) {
  return text.empty() ? json::value(nullptr) : json::value(text);
}

json::object to_object(const Entity& entity) {
  return {{"public_key", entity.public_key},
          {"contract_id", text_or_null(entity.contract_id)},
          {"link_name", text_or_null(entity.link_name)}};
}

json::object to_object(const HeartbeatProvider& provider) {
  return {{"public_key", provider.public_key},
          {"link_name", provider.link_name},
          {"contract_id", provider.contract_id},
          {"instance_id", provider.instance_id}};
}

json::object link_data(const Link& link) {
  auto data = to_json(link);
  data["id"] = link.id();
  return data;
}

json::object invocation_data(const Entity& source, const Entity& dest, std::string_view operation,
                             std::uint64_t bytes) {
  return {{"source", to_object(source)},
          {"dest", to_object(dest)},
          {"operation", operation},
          {"bytes", bytes}};
}

}  // namespace

codec::CloudEvent Events::make(std::string_view name, json::object data) const {
  return {.id = codec::uuid4(),
          .source = host_key_,
          .type = "com.wasmcloud.lattice." + std::string(name),
          .time = codec::rfc3339(std::chrono::system_clock::now()),
          .data = std::move(data)};
}

codec::CloudEvent Events::host_started(const StringMap& labels,
                                       std::string_view friendly_name) const {
  return make("host_started", {{"labels", to_object(labels)}, {"friendly_name", friendly_name}});
}

codec::CloudEvent Events::host_stopped(const StringMap& labels) const {
  return make("host_stopped", {{"labels", to_object(labels)}});
}

codec::CloudEvent Events::host_heartbeat(const Heartbeat& heartbeat) const {
  json::array actors, providers;
  actors.reserve(heartbeat.actors.size());
  for (const auto& actor : heartbeat.actors)
    actors.push_back({{"public_key", actor.public_key}, {"instance_id", actor.instance_id}});
  providers.reserve(heartbeat.providers.size());
  for (const auto& provider : heartbeat.providers) providers.push_back(to_object(provider));
  json::object data{
      {"actors", std::move(actors)},           {"providers", std::move(providers)},
      {"labels", to_object(heartbeat.labels)}, {"friendly_name", heartbeat.friendly_name},
      {"version", heartbeat.version},          {"uptime_seconds", heartbeat.uptime_seconds},
      {"uptime_human", heartbeat.uptime_human}};
  if (!heartbeat.seal.empty()) data["trellis_seal"] = heartbeat.seal;
  return make("host_heartbeat", std::move(data));
}

codec::CloudEvent Events::actor_started(const claims::ActorClaims& claims,
                                        const ActorStarted& started, std::uint64_t now_unix) const {
  json::object about{{"call_alias", text_or_null(claims.call_alias)},
                     {"caps", to_array(claims.caps)},
                     {"issuer", claims.issuer},
                     {"tags", to_array(claims.tags)},
                     {"name", claims.name},
                     {"version", text_or_null(claims.ver)},
                     {"revision", claims.revision()},
                     {"not_before_human", claims::not_before_human(claims.validity, now_unix)},
                     {"expires_human", claims::expires_human(claims.validity, now_unix)}};
  return make("actor_started", {{"public_key", claims.subject},
                                {"image_ref", started.image_ref},
                                {"api_version", started.api_version},
                                {"instance_id", started.instance_id},
                                {"annotations", to_object(started.annotations)},
                                {"claims", std::move(about)}});
}

codec::CloudEvent Events::actor_start_failed(std::string_view reference,
                                             std::string_view error) const {
  return make("actor_start_failed", {{"actor_ref", reference}, {"error", error}});
}

codec::CloudEvent Events::actor_stopped(std::string_view public_key,
                                        std::string_view instance_id) const {
  return make("actor_stopped", {{"public_key", public_key}, {"instance_id", instance_id}});
}

codec::CloudEvent Events::actor_updated(std::string_view public_key, std::int32_t revision,
                                        std::string_view instance_id) const {
  return make("actor_updated",
              {{"public_key", public_key}, {"revision", revision}, {"instance_id", instance_id}});
}

codec::CloudEvent Events::actor_update_failed(std::string_view public_key, std::int32_t revision,
                                              std::string_view instance_id,
                                              std::string_view reason) const {
  return make("actor_update_failed", {{"public_key", public_key},
                                      {"revision", revision},
                                      {"instance_id", instance_id},
                                      {"reason", reason}});
}

codec::CloudEvent Events::provider_started(const claims::ProviderClaims& claims,
                                           const ProviderStarted& started,
                                           std::uint64_t now_unix) const {
  json::object about{{"issuer", claims.issuer},
                     {"tags", json::array()},  // provider claims carry none
                     {"name", claims.name},
                     {"version", text_or_null(claims.ver)},
                     {"not_before_human", claims::not_before_human(claims.validity, now_unix)},
                     {"expires_human", claims::expires_human(claims.validity, now_unix)}};
  return make("provider_started", {{"public_key", claims.subject},
                                   {"image_ref", started.image_ref},
                                   {"link_name", started.link_name},
                                   {"contract_id", started.contract_id},
                                   {"instance_id", started.instance_id},
                                   {"annotations", to_object(started.annotations)},
                                   {"claims", std::move(about)}});
}

codec::CloudEvent Events::provider_start_failed(std::string_view reference,
                                                std::string_view link_name,
                                                std::string_view error) const {
  return make("provider_start_failed",
              {{"provider_ref", reference}, {"link_name", link_name}, {"error", error}});
}

codec::CloudEvent Events::provider_stopped(const HeartbeatProvider& provider,
                                           std::string_view reason) const {
  auto data = to_object(provider);
  data["reason"] = reason;
  return make("provider_stopped", std::move(data));
}

codec::CloudEvent Events::health_check_passed(std::string_view public_key,
                                              std::string_view link_name) const {
  return make("health_check_passed", {{"public_key", public_key}, {"link_name", link_name}});
}

codec::CloudEvent Events::health_check_failed(std::string_view public_key,
                                              std::string_view link_name) const {
  return make("health_check_failed", {{"public_key", public_key}, {"link_name", link_name}});
}

codec::CloudEvent Events::linkdef_set(const Link& link) const {
  return make("linkdef_set", link_data(link));
}

codec::CloudEvent Events::linkdef_deleted(const Link& link) const {
  return make("linkdef_deleted", link_data(link));
}

codec::CloudEvent Events::refmap_set(std::string_view reference,
                                     std::string_view public_key) const {
  return make("refmap_set", {{"oci_url", reference}, {"public_key", public_key}});
}

codec::CloudEvent Events::invocation_succeeded(const Entity& source, const Entity& dest,
                                               std::string_view operation,
                                               std::uint64_t bytes) const {
  return make("invocation_succeeded", invocation_data(source, dest, operation, bytes));
}

codec::CloudEvent Events::invocation_failed(const Entity& source, const Entity& dest,
                                            std::string_view operation, std::uint64_t bytes) const {
  return make("invocation_failed", invocation_data(source, dest, operation, bytes));
}

}  // namespace trellis::lattice
