#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/log.h"
#include "claims/jwt.h"
#include "codec/base64.h"
#include "lattice/invocation.h"
#include "lattice/invocation_seal.h"
#include "lattice/replay_window.h"
#include "lattice/sequence_window.h"
#include "lattice/subjects.h"

namespace trellis::lattice {

namespace {

constexpr const char* kSite = "lattice.invocation.verify";
constexpr std::size_t kHostIdSize = 56;

auto forged(std::string detail) { return fail(Errc::unauthenticated, kSite, std::move(detail)); }

Result<void> check_times(const claims::Jwt& jwt, std::uint64_t now) {
  switch (claims::state_at(jwt, now)) {
    case claims::JwtState::expired:
      return forged("Invocation claims token expired");
    case claims::JwtState::not_yet_valid:
      return forged("Attempt to use invocation before claims token allows");
    case claims::JwtState::valid:
      break;
  }
  return {};
}

// wash sends "Nwash…" padded to the length of a key (docs/protocol.md §3.2), so it is not parsed as
// one.
Result<void> check_host_id(std::string_view host_id) {
  const bool known_letter = host_id.starts_with('N') || host_id.starts_with('C');
  if (known_letter && host_id.size() == kHostIdSize) return {};
  return forged(fmt::format("Invalid host ID on invocation: '{}'", host_id.substr(0, 64)));
}

std::string_view claim(const claims::Jwt& jwt, std::string_view key) {
  const auto* value = jwt.wascap.if_contains(key);
  return value && value->is_string() ? std::string_view(value->get_string()) : std::string_view();
}

Result<void> check_parties(const claims::Jwt& jwt, const Invocation& invocation,
                           std::string_view target_key) {
  if (claim(jwt, "target_url") != invocation.target.url() + "/" + invocation.operation)
    return forged("Invocation claims and invocation target URL do not match");
  if (claim(jwt, "origin_url") != invocation.origin.url())
    return forged("Invocation claims and invocation origin URL do not match");
  if (invocation.target.public_key != target_key)
    return forged(
        fmt::format("target key mismatch: {} != {}", invocation.target.public_key, target_key));
  if (jwt.sub != invocation.id)
    return forged("Invocation claims were made for another invocation id");
  return {};
}

Result<void> check_signature(std::string_view token, const claims::PublicKey& issuer) {
  const auto dot = token.rfind('.');
  TRY(const auto bytes, codec::base64_decode(token.substr(dot + 1), codec::Base64::url));
  claims::Signature signature;
  if (bytes.size() != signature.size()) return forged("Invocation claims signature invalid");
  std::copy(bytes.begin(), bytes.end(), signature.begin());
  if (!issuer.verify(as_bytes(token.substr(0, dot)), signature))
    return forged("Invocation claims signature invalid");
  return {};
}

Result<void> check_hash(const claims::Jwt& jwt, const Invocation& invocation) {
  const auto hash = invocation_hash(invocation);
  const auto signed_hash = claim(jwt, "hash");
  if (hash == signed_hash) return {};
  return forged(fmt::format("Invocation hash does not match signed claims hash ({} / {})",
                            signed_hash, hash));
}

}  // namespace

bool is_body_apart(const Invocation& invocation) {
  return invocation.content_length.value_or(0) > invocation.msg.size();
}

struct InvocationVerifier::State {
  std::map<std::string, claims::PublicKey, std::less<>> issuers;
  std::string lattice;
  std::uint64_t window;  // seconds
  ReplayWindow replays;
  const InvocationSeal* seal;
  struct Sealer {
    SequenceWindow seen;
    std::uint64_t last = 0;  // when something of it came
  };
  std::map<std::uint64_t, Sealer> sealers;  // by run
  std::size_t sealers_max;

  const claims::PublicKey* issuer(const std::string& key) const {
    const auto found = issuers.find(key);
    return found == issuers.end() ? nullptr : &found->second;
  }

  // A token is refused by its age outside the window, so remembering it inside is enough.
  Result<void> check_age(std::uint64_t iat, std::uint64_t now) const {
    if (window == 0) return {};
    const auto apart = iat < now ? now - iat : iat - now;
    if (apart <= window) return {};
    return forged(
        fmt::format("Invocation was issued {} s {} this host's clock (allowed: {} s): a repeated "
                    "message, or the "
                    "clocks of the hosts differ",
                    apart, iat < now ? "before" : "after", window));
  }

  // After the seal: whoever can make these entries is of this cluster.
  Result<void> check_sequence(const Invocation& invocation, std::uint64_t now) {
    if (window == 0) return {};
    if (sealers.size() >= sealers_max && !sealers.contains(invocation.sealed_by)) {
      // Whatever an old run sealed is too old by now.
      std::erase_if(sealers, [&](const auto& each) { return each.second.last + window < now; });
      if (sealers.size() >= sealers_max)
        return fail(Errc::exhausted, kSite, "too many hosts have called within the replay window");
    }
    auto& sealer = sealers[invocation.sealed_by];
    sealer.last = now;
    if (sealer.seen.take(invocation.sequence)) return {};
    return forged("Invocation was received before: a repeated message");
  }

  Result<void> check_replay(std::string_view token, std::uint64_t iat, std::uint64_t now) {
    if (window == 0) return {};
    switch (replays.remember(token, iat + window, now)) {
      case ReplayWindow::Seen::repeated:
        return forged("Invocation was received before: a repeated message");
      case ReplayWindow::Seen::full:
        return fail(Errc::exhausted, kSite, "too many invocations within the replay window");
      case ReplayWindow::Seen::fresh:
        break;
    }
    return {};
  }
};

InvocationVerifier::InvocationVerifier(Options options)
    : state_(new State{.issuers = {},
                       .lattice = std::move(options.lattice),
                       .window = static_cast<std::uint64_t>(std::max<std::int64_t>(
                           0, static_cast<std::int64_t>(options.replay_window.count()))),
                       .replays = ReplayWindow(options.remembered_max),
                       .seal = options.seal,
                       .sealers = {},
                       .sealers_max = options.sealers_max}) {
  for (auto& text : options.cluster_issuers) {
    auto key = claims::PublicKey::parse(text);
    if (!key) {
      LOG(warn, "cluster issuer '{}' is not a key and is ignored: {}", text,
          key.error().describe());
      continue;
    }
    state_->issuers.emplace(std::move(text), *std::move(key));
  }
}

InvocationVerifier::~InvocationVerifier() = default;

// Cheap checks first; then the signature (about 120 µs); then the body's hash, whose cost the
// sender chooses; the memory of tokens last, so that only the cluster itself can fill it.
Result<void> InvocationVerifier::verify_signed(const Invocation& invocation,
                                               std::string_view target_key, std::uint64_t now_unix,
                                               Body body) {
  TRY(const auto jwt, claims::decode_jwt(invocation.encoded_claims));
  const auto* issuer = state_->issuer(jwt.iss);
  if (!issuer) return forged("Issuer of this invocation is not among the list of valid issuers");
  TRY_OK(check_times(jwt, now_unix));
  if (jwt.wascap.empty()) return forged("No wascap metadata found on claims");
  TRY_OK(check_host_id(invocation.host_id));
  TRY_OK(check_parties(jwt, invocation, target_key));
  TRY_OK(state_->check_age(jwt.iat, now_unix));
  TRY_OK(check_signature(invocation.encoded_claims, *issuer));
  if (body == Body::here) TRY_OK(check_hash(jwt, invocation));
  // The signature is left out: only what is signed names the invocation.
  const std::string_view token = invocation.encoded_claims;
  return state_->check_replay(token.substr(0, token.rfind('.')), jwt.iat, now_unix);
}

Result<void> InvocationVerifier::verify(const Invocation& invocation, std::string_view target_key,
                                        std::uint64_t now_unix) {
  return verify_signed(invocation, target_key, now_unix, Body::here);
}

Result<void> InvocationVerifier::verify_body(const Invocation& invocation) const {
  TRY(const auto jwt, claims::decode_jwt(invocation.encoded_claims));
  return check_hash(jwt, invocation);
}

Result<void> InvocationVerifier::verify_sealed(const Invocation& invocation,
                                               std::string_view target_key,
                                               std::uint64_t now_unix) {
  TRY_OK(check_host_id(invocation.host_id));
  if (invocation.target.public_key != target_key)
    return forged(
        fmt::format("target key mismatch: {} != {}", invocation.target.public_key, target_key));
  TRY_OK(state_->check_age(invocation.sealed_at, now_unix));
  if (!state_->seal->is_whole(invocation)) return forged("Invocation seal invalid");
  return state_->check_sequence(invocation, now_unix);
}

Result<void> InvocationVerifier::verify_arrival(const Invocation& invocation,
                                                std::string_view subject, std::uint64_t now_unix) {
  return verify_arrival(invocation, subject, now_unix, Body::here);
}

Result<void> InvocationVerifier::verify_head(const Invocation& invocation, std::string_view subject,
                                             std::uint64_t now_unix) {
  return verify_arrival(invocation, subject, now_unix, Body::apart);
}

Result<void> InvocationVerifier::verify_arrival(const Invocation& invocation,
                                                std::string_view subject, std::uint64_t now_unix,
                                                Body body) {
  const bool sealed = state_->seal && subject.ends_with(state_->seal->name());
  if (sealed) subject.remove_suffix(state_->seal->name().size() + 1);
  const auto arrived = parse_rpc_subject(subject);
  if (!arrived) return fail(Errc::invalid, kSite, "not the subject of an invocation");
  if (arrived->lattice != state_->lattice)
    return forged(fmt::format("Invocation arrived in lattice '{}', this host is in '{}'",
                              arrived->lattice, state_->lattice));
  if (!arrived->link.empty() && arrived->link != invocation.target.link_name)
    return forged(
        fmt::format("target link mismatch: {} != {}", invocation.target.link_name, arrived->link));
  if (sealed && body == Body::apart)
    return forged("Invocation is sealed and its body is not with it");
  return sealed ? verify_sealed(invocation, arrived->key, now_unix)
                : verify_signed(invocation, arrived->key, now_unix, body);
}

}  // namespace trellis::lattice
