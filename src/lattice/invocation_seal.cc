#include "lattice/invocation_seal.h"

#include <fmt/format.h>
#include <sodium.h>

#include "base/check.h"
#include "codec/cloud_event.h"

namespace trellis::lattice {

namespace {

// A keyed BLAKE2b over pieces, each with its length before it: no two sets of pieces are the same
// bytes.
class KeyedHash {
 public:
  explicit KeyedHash(BytesView key) {
    CHECK(crypto_generichash_init(&state_, key.data(), key.size(), 32) == 0);
  }
  void add(std::uint64_t number) {
    std::array<std::uint8_t, 8> bytes;
    for (std::size_t i = 0; i < bytes.size(); ++i)
      bytes[i] = static_cast<std::uint8_t>(number >> (8 * i));
    crypto_generichash_update(&state_, bytes.data(), bytes.size());
  }
  void add(BytesView piece) {
    add(piece.size());
    crypto_generichash_update(&state_, piece.data(), piece.size());
  }
  void add(std::string_view piece) { add(as_bytes(piece)); }
  void add(const Entity& entity) {
    add(std::string_view(entity.public_key));
    add(std::string_view(entity.link_name));
    add(std::string_view(entity.contract_id));
  }
  std::array<std::uint8_t, 32> finish() {
    std::array<std::uint8_t, 32> out;
    crypto_generichash_final(&state_, out.data(), out.size());
    return out;
  }

 private:
  crypto_generichash_state state_;
};

std::uint64_t random_number() {
  CHECK(sodium_init() >= 0);
  std::uint64_t number = 0;
  randombytes_buf(&number, sizeof number);
  return number;
}

}  // namespace

InvocationSeal::InvocationSeal(const claims::KeyPair& cluster, std::string_view lattice)
    : run_(random_number()) {
  auto seed = cluster.seed();
  KeyedHash derive(as_bytes(seed).first(crypto_generichash_KEYBYTES));
  derive.add(std::string_view("trellis invocation seal 1"));
  derive.add(as_bytes(seed));
  derive.add(lattice);
  key_ = derive.finish();
  sodium_memzero(seed.data(), seed.size());
  KeyedHash naming(key_);
  naming.add(std::string_view("name"));
  const auto digest = naming.finish();
  name_ = "sealed-";
  for (std::size_t i = 0; i < 8; ++i) name_ += fmt::format("{:02x}", digest[i]);
}

InvocationSeal::~InvocationSeal() { sodium_memzero(key_.data(), key_.size()); }

std::string InvocationSeal::subject(std::string_view target_subject) const {
  std::string subject;
  subject.reserve(target_subject.size() + 1 + name_.size());
  subject.append(target_subject).append(1, '.').append(name_);
  return subject;
}

void InvocationSeal::put_on(Invocation& invocation, std::string_view host_id,
                            std::uint64_t now_unix) {
  if (invocation.id.empty()) invocation.id = codec::uuid4();
  invocation.host_id = host_id;
  invocation.content_length = invocation.msg.size();
  invocation.encoded_claims.clear();
  invocation.sealed_at = now_unix;
  invocation.sealed_by = run_;
  invocation.sequence = sequence_.fetch_add(1, std::memory_order_relaxed) + 1;
  const auto digest = mac(invocation);
  invocation.seal.assign(digest.begin(), digest.end());
}

bool InvocationSeal::is_whole(const Invocation& invocation) const {
  if (!invocation.encoded_claims.empty() || invocation.content_length != invocation.msg.size())
    return false;
  const auto digest = mac(invocation);
  return invocation.seal.size() == digest.size() &&
         sodium_memcmp(invocation.seal.data(), digest.data(), digest.size()) == 0;
}

std::array<std::uint8_t, 32> InvocationSeal::mac(const Invocation& invocation) const {
  KeyedHash hash(key_);
  hash.add(invocation.origin);
  hash.add(invocation.target);
  hash.add(std::string_view(invocation.operation));
  hash.add(std::string_view(invocation.id));
  hash.add(std::string_view(invocation.host_id));
  hash.add(invocation.sealed_at);
  hash.add(invocation.sealed_by);
  hash.add(invocation.sequence);
  hash.add(invocation.depth);
  hash.add(BytesView(invocation.msg));
  return hash.finish();
}

}  // namespace trellis::lattice
