// The subjects of a lattice. All of them are made here. docs/protocol.md §3.1, §6.1.
#pragma once

#include <string>
#include <string_view>

namespace trellis::lattice {

struct Subjects {
  std::string prefix = "default";            // lattice
  std::string control = "wasmbus.ctl";       // WASMCLOUD_CTL_TOPIC_PREFIX, two tokens

  std::string actor(std::string_view actor_key) const;                           // also its queue group
  std::string provider(std::string_view key, std::string_view link) const;       // queue group "rpc"
  std::string provider_link_put(std::string_view key, std::string_view link) const;
  std::string provider_link_del(std::string_view key, std::string_view link) const;
  std::string provider_health(std::string_view key, std::string_view link) const;
  std::string provider_shutdown(std::string_view key, std::string_view link) const;
  std::string events() const;                // wasmbus.evt.<prefix>
  std::string invocation_events() const;     // wasmbus.rpcevt.<prefix>
  std::string ctl(std::string_view tail) const;                                  // <control>.<prefix>.<tail>
  std::string ctl_queue() const;                                                 // <control>.<prefix>
  std::string command(std::string_view host_key, std::string_view name) const;   // cmd.<host>.<name>
  std::string inventory(std::string_view host_key) const;
};

// A token that may stand in a subject: no white space, '.', '*', '>', not empty.
bool valid_token(std::string_view token);

}  // namespace trellis::lattice
