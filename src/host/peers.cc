#include "host/peers.h"

#include <algorithm>

#include "base/log.h"
#include "codec/cloud_event.h"
#include "codec/json.h"

namespace trellis::host {
namespace {

using namespace std::chrono_literals;

constexpr auto kGoneAfter = 75s;           // hosts beat every 30 s
constexpr std::size_t kPeersMax = 10'000;  // of which it is remembered what they are

constexpr std::size_t kProvidersMax = 1'000;  // of one host

// Before anything is parsed: most events are about something else.
bool may_matter(std::string_view event) {
  return event.find("com.wasmcloud.lattice.host_") != std::string_view::npos ||
         event.find("com.wasmcloud.lattice.provider_st") != std::string_view::npos;
}

std::pair<std::string, std::string> provider_in(const codec::json::object& data) {
  const auto key = codec::json_string(data, "public_key");
  const auto link_name = codec::json_string(data, "link_name");
  if (!key || !*key || !link_name) return {};
  return {**key, link_name->value_or("default")};
}

}  // namespace

Result<void> Peers::listen(lattice::Bus& control_bus, const lattice::Subjects& subjects) {
  TRY(events_, control_bus.subscribe(subjects.events(), "",
                                     [this](const lattice::Message& event) { take(event); }));
  // Every host that is asked beats at once (docs/protocol.md §6.2); nobody waits for the answers.
  return control_bus.publish({subjects.ctl("ping.hosts"), "", {}, {}});
}

void Peers::take(const lattice::Message& message) {
  const auto text = as_text(message.data);
  if (!may_matter(text)) return;
  const auto event = codec::parse_cloud_event(text);
  if (!event || event->source == own_key_) return;
  if (event->type.ends_with(".host_heartbeat")) return take_heartbeat(*event);
  if (event->type.ends_with(".provider_started") || event->type.ends_with(".provider_stopped"))
    return take_provider(*event);
  if (event->type.ends_with(".host_stopped")) {
    peers_.erase(event->source);
    look();
  }
}

void Peers::take_heartbeat(const codec::CloudEvent& event) {
  if (peers_.size() >= kPeersMax) return;
  const auto seal = codec::json_string(event.data, "trellis_seal");
  const bool knows = seal && *seal && **seal == seal_name_;
  const auto [at, fresh] = peers_.try_emplace(event.source);
  if (fresh && knows) LOG(info, "Host {} is in this lattice", event.source);
  if (fresh && !knows)
    LOG(warn,
        "Host {} is in this lattice and has another cluster seed, or is of another kind: calls are "
        "signed from now on. Calls between it and this host work only if all hosts have the same "
        "WASMCLOUD_CLUSTER_SEED, or each other's cluster keys in WASMCLOUD_CLUSTER_ISSUERS",
        event.source);
  at->second = {.knows_the_seal = knows, .heard_at = Clock::now(), .providers = {}};
  const auto* providers = event.data.if_contains("providers");
  if (providers != nullptr && providers->is_array()) {
    for (const auto& each : providers->get_array()) {
      if (each.is_object() && at->second.providers.size() < kProvidersMax)
        at->second.providers.insert(provider_in(each.get_object()));
    }
  }
  look();
}

// Between two heartbeats.
void Peers::take_provider(const codec::CloudEvent& event) {
  const auto peer = peers_.find(event.source);
  if (peer == peers_.end()) return;
  auto provider = provider_in(event.data);
  if (event.type.ends_with(".provider_stopped")) {
    peer->second.providers.erase(provider);
  } else if (peer->second.providers.size() < kProvidersMax) {
    peer->second.providers.insert(std::move(provider));
  }
}

std::string Peers::host_of_provider(const std::string& key, const std::string& link_name) const {
  for (const auto& [host, peer] : peers_) {
    if (peer.providers.contains({key, link_name})) return host;
  }
  return {};
}

void Peers::forget_silent() {
  const auto before = Clock::now() - kGoneAfter;
  if (std::erase_if(peers_, [&](const auto& peer) { return peer.second.heard_at < before; }) > 0)
    look();
}

void Peers::look() {
  all_know_ = std::ranges::all_of(peers_, [](const auto& p) { return p.second.knows_the_seal; });
}

}  // namespace trellis::host
