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

// Before anything is parsed: most events are about something else.
bool may_be_about_a_host(std::string_view event) {
  return event.find("com.wasmcloud.lattice.host_") != std::string_view::npos;
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
  if (!may_be_about_a_host(text)) return;
  const auto event = codec::parse_cloud_event(text);
  if (!event || event->source == own_key_) return;
  if (event->type.ends_with(".host_stopped")) {
    peers_.erase(event->source);
    return look();
  }
  if (!event->type.ends_with(".host_heartbeat") || peers_.size() >= kPeersMax) return;
  const auto seal = codec::json_string(event->data, "trellis_seal");
  const bool knows = seal && *seal && **seal == seal_name_;
  const auto [at, fresh] = peers_.try_emplace(event->source);
  if (fresh && knows) LOG(info, "Host {} is in this lattice", event->source);
  if (fresh && !knows)
    LOG(warn,
        "Host {} is in this lattice and has another cluster seed, or is of another kind: calls are "
        "signed from now on. Calls between it and this host work only if all hosts have the same "
        "WASMCLOUD_CLUSTER_SEED, or each other's cluster keys in WASMCLOUD_CLUSTER_ISSUERS",
        event->source);
  at->second = {knows, Clock::now()};
  look();
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
