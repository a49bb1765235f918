// The subjects of a lattice. All of them are made, and taken apart, here. docs/protocol.md §3.1,
// §6.1. Pure values; any core.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace trellis::lattice {

struct Subjects {
  std::string prefix = "default";       // lattice
  std::string control = "wasmbus.ctl";  // WASMCLOUD_CTL_TOPIC_PREFIX, two tokens

  std::string actor(std::string_view actor_key) const;  // also its queue group
  std::string provider(std::string_view key,
                       std::string_view link) const;  // queue group kProviderQueue
  std::string provider_link_put(std::string_view key, std::string_view link) const;
  std::string provider_link_del(std::string_view key, std::string_view link) const;
  std::string provider_health(std::string_view key, std::string_view link) const;
  std::string provider_shutdown(std::string_view key, std::string_view link) const;
  std::string events() const;                    // wasmbus.evt.<prefix>
  std::string invocation_events() const;         // wasmbus.rpcevt.<prefix>
  std::string ctl(std::string_view tail) const;  // <control>.<prefix>.<tail>
  std::string ctl_queue() const;                 // <control>.<prefix>
  std::string command(std::string_view host_key, std::string_view name) const;  // cmd.<host>.<name>
  std::string inventory(std::string_view host_key) const;
  std::string link_outcome(std::string_view host_key) const;  // ours beyond 2022
  std::string cache(std::string_view tail) const;  // lc.<prefix>.<tail>, docs/protocol.md §8.1
  std::string cache_stream() const;                // LATTICECACHE_<prefix>, what keeps those
  std::string config_request() const;              // wasmbus.cfg.<prefix>.req
};

inline constexpr std::string_view kProviderQueue = "rpc";

// The subject of an invocation, taken apart: wasmbus.rpc.<lattice>.<key> or ….<key>.<link>.
struct RpcSubject {
  std::string_view lattice, key, link;  // link "" for actors; views into the subject
};
std::optional<RpcSubject> parse_rpc_subject(std::string_view subject);

// A token that may stand in a subject: no white space or control characters, '.', '*', '>', not
// empty.
bool valid_token(std::string_view token);

// A lattice prefix is a token of subjects and a part of the names of JetStream's streams, which may
// have no dot and no slash. Errors: invalid, with the character that is in the way.
Result<void> check_lattice_prefix(std::string_view prefix);

// A subject one can publish on: valid tokens, at most kSubjectBytesMax. One can subscribe to
// patterns: a token may be '*' (any one token), the last '>' (one or more tokens).
bool valid_subject(std::string_view subject);
bool valid_pattern(std::string_view pattern);

}  // namespace trellis::lattice
