// An invocation: one part of the lattice calls another over the bus, signed by the cluster so that
// nobody else can. Format, hash and checks: docs/protocol.md §3.2–3.5. Calls inside one host never
// take this form.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "claims/nkey.h"

namespace trellis::lattice {

struct Entity {
  std::string public_key, link_name, contract_id;  // the last two "" for actors
  std::string url() const;                         // wasmbus://…
  bool is_actor() const { return link_name.empty() && contract_id.empty(); }
  bool operator==(const Entity&) const = default;
};

struct Invocation {
  Entity origin, target;
  std::string operation;
  Bytes msg;
  std::string id;
  std::string encoded_claims;
  std::string host_id;
  std::optional<std::uint64_t> content_length;

  // Between hosts of this kind; others ignore them.
  std::uint32_t depth = 0;                    // calls that led to this one
  std::optional<std::uint64_t> time_left_ms;  // the caller waits no longer
  std::uint64_t sealed_at = 0;                // unix seconds; invocation_seal.h
  std::uint64_t sealed_by = 0, sequence = 0;  // which run of a host, and its how manieth
  Bytes seal;                                 // then encoded_claims is empty
  bool operator==(const Invocation&) const = default;
};

struct InvocationResponse {
  Bytes msg;
  std::string invocation_id;
  std::optional<std::string> error;
  std::optional<std::uint64_t> content_length;
  std::string instance_id;  // sent when not empty
  bool operator==(const InvocationResponse&) const = default;
};

Bytes encode(const Invocation& invocation);
// With this for its msg: an empty one when the body goes apart.
Bytes encode(const Invocation& invocation, BytesView msg);
Result<Invocation> decode_invocation(BytesView bytes);
Bytes encode(const InvocationResponse& response);
Result<InvocationResponse> decode_invocation_response(BytesView bytes);

std::string invocation_hash(const Invocation& invocation);  // upper-case hex

// Fills id (when empty), encoded_claims, host_id, content_length.
void sign(Invocation& invocation, const claims::KeyPair& cluster, std::string_view host_id);

// The same with the token's id and time given, so that its bytes are known beforehand.
struct TokenIdentity {
  std::string jti;
  std::uint64_t iat = 0;  // unix seconds
};
void sign(Invocation& invocation, const claims::KeyPair& cluster, std::string_view host_id,
          TokenIdentity token);

class InvocationSeal;

// The body is elsewhere, in chunks: less came than content_length says.
bool is_body_apart(const Invocation& invocation);

// Decides whether an invocation is what it says. All 2022 checks with their texts, and more that
// 2022 missed: an empty body is hashed too; the host id must begin with N or C and have 56
// characters; the token must be signed for this invocation's id; the target must be whom it arrived
// at; the same token is not accepted twice, nor one issued outside the replay window. Core 0;
// memory is bounded: by what signatures can be verified within the window, and by the hosts that
// seal. What was seen is known to this process alone.
class InvocationVerifier {
 public:
  struct Options {
    std::vector<std::string> cluster_issuers;  // C…
    std::string lattice;                       // accepted subjects' lattice
    std::chrono::seconds replay_window{
        60};  // 0 turns it off, for peers that resend or whose clocks differ
    std::size_t remembered_max =
        1'000'000;                         // tokens within the window; further ones are `exhausted`
    const InvocationSeal* seal = nullptr;  // when sealed ones are taken too; outlives this
    std::size_t sealers_max = 10'000;      // hosts that seal, of which it is known what came
  };
  explicit InvocationVerifier(Options options);
  ~InvocationVerifier();
  // `target_key`: the key in the subject it arrived on; must be the invocation's target.
  // Errors: unauthenticated (forged, expired, unknown issuer, repeated), invalid (fields missing).
  Result<void> verify(const Invocation& invocation, std::string_view target_key,
                      std::uint64_t now_unix);

  // The same for the whole subject it arrived on, which must be of this lattice and, for providers,
  // of the target's link name. On a subject of sealed ones it must be sealed, on others signed.
  Result<void> verify_arrival(const Invocation& invocation, std::string_view subject,
                              std::uint64_t now_unix);
  // The same in two steps, for one whose body was sent apart: all but the body; the body when it is
  // there.
  Result<void> verify_head(const Invocation& invocation, std::string_view subject,
                           std::uint64_t now_unix);
  Result<void> verify_body(const Invocation& invocation) const;

 private:
  enum class Body { here, apart };
  Result<void> verify_arrival(const Invocation& invocation, std::string_view subject,
                              std::uint64_t now_unix, Body body);
  Result<void> verify_signed(const Invocation& invocation, std::string_view target_key,
                             std::uint64_t now_unix, Body body);
  Result<void> verify_sealed(const Invocation& invocation, std::string_view target_key,
                             std::uint64_t now_unix);
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace trellis::lattice
