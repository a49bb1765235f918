// What the values of a messaging link mean: SUBSCRIPTION, URI, CLIENT_JWT, CLIENT_SEED, or the same
// as JSON (config_json, config_b64: subscriptions, cluster_uris, auth_jwt, auth_seed,
// ping_interval_sec). The provider's configuration has the form of that JSON and is read first.
// docs/protocol.md §10.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include <boost/json/object.hpp>

#include "base/result.h"
#include "lattice/link.h"

namespace trellis::messaging {

struct Subscription {
  std::string subject;
  std::string queue;  // "": every provider of the lattice that has the link is told
  bool operator==(const Subscription&) const = default;
};

struct Settings {
  std::vector<Subscription> subscriptions;
  std::vector<std::string> servers;  // nats:// or tls://; empty: the lattice's own
  std::string jwt, seed;             // both or neither
  std::chrono::milliseconds ping_interval{10'000};
  bool lattice_subjects = false;  // LATTICE=allow: may speak on wasmbus.> and lc.>
  bool operator==(const Settings&) const = default;
};

// Errors name the key and what was wrong with it.
Result<Settings> parse_settings(const boost::json::object& defaults, const lattice::Link& link);

// What works but was probably not meant so.
std::string oddities_of(const Settings& settings, const lattice::Link& link);

// Whether a subject is the lattice's own: commands to hosts, calls, its state.
bool is_lattice_subject(std::string_view subject);

// Whether it asks for the table of links of a lattice whose events these subscriptions bring: who
// hears of every link may as well ask which there are.
bool asks_for_known_links(std::string_view subject, const std::vector<Subscription>& subscriptions);

}  // namespace trellis::messaging
