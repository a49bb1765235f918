// What hosts with the same cluster seed put on an invocation instead of a signature: a keyed hash
// over all of it. It proves the same (whoever has the seed may sign), and costs a microsecond where
// a signature and its check cost 160. Nobody else knows it: hosts of 2022, providers on their SDKs
// and hosts of another seed are sent signed invocations. So that a sealed one reaches only those
// who can read it, it has subjects of its own: that of the target and name() as one token more.
//
// Used by host::RemoteCalls and InvocationVerifier. Immutable; any core. docs/protocol.md §3.9.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "claims/nkey.h"
#include "lattice/invocation.h"

namespace trellis::lattice {

class InvocationSeal {
 public:
  InvocationSeal(const claims::KeyPair& cluster, std::string_view lattice);
  ~InvocationSeal();
  InvocationSeal(const InvocationSeal&) = default;
  InvocationSeal& operator=(const InvocationSeal&) = default;

  // Says which key it is without telling it: "sealed-" and 16 hex digits.
  const std::string& name() const { return name_; }
  std::string subject(std::string_view target_subject) const;

  // Fills id (when empty), host_id, content_length, sealed_at and seal.
  void put_on(Invocation& invocation, std::string_view host_id, std::uint64_t now_unix) const;
  bool is_whole(const Invocation& invocation) const;

 private:
  std::array<std::uint8_t, 32> mac(const Invocation& invocation) const;

  std::array<std::uint8_t, 32> key_;
  std::string name_;
};

}  // namespace trellis::lattice
