// What hosts with the same cluster seed put on an invocation instead of a signature: a keyed hash
// over all of it. It proves the same (whoever has the seed may sign), and costs a microsecond where
// a signature and its check cost 160. Nobody else knows it: hosts of 2022, providers on their SDKs
// and hosts of another seed are sent signed invocations. So that a sealed one reaches only those
// who can read it, it has subjects of its own: that of the target and name() as one token more.
//
// Each has the number that its host gave it, so that a receiver knows in little memory which it
// had.
//
// Used by host::RemoteCalls and InvocationVerifier. Any core. docs/protocol.md §3.9.
#pragma once

#include <array>
#include <atomic>
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
  InvocationSeal(const InvocationSeal&) = delete;
  InvocationSeal& operator=(const InvocationSeal&) = delete;

  // Says which key it is without telling it: "sealed-" and 16 hex digits.
  const std::string& name() const { return name_; }
  std::string subject(std::string_view target_subject) const;

  // Fills id (when empty), host_id, content_length, sealed_at, sealed_by, sequence and seal.
  void put_on(Invocation& invocation, std::string_view host_id, std::uint64_t now_unix);
  // All of it is as it was sealed, and all of it is here.
  bool is_whole(const Invocation& invocation) const;

 private:
  std::array<std::uint8_t, 32> mac(const Invocation& invocation) const;

  std::array<std::uint8_t, 32> key_;
  std::string name_;
  const std::uint64_t run_;  // of this host: random, so that numbers begin anew with it
  std::atomic<std::uint64_t> sequence_{0};  // of what was sealed, on all cores
};

}  // namespace trellis::lattice
