// The keys and claims behind the golden tokens of docs/protocol.md §11.2–11.4, for tests.
#pragma once

#include <fstream>
#include <iterator>
#include <numeric>
#include <string>

#include "claims/claims.h"

namespace trellis::claims::golden {

inline constexpr const char* kJti = "AAAAAAAAAAAAAAAAAAAAAA";
inline constexpr std::uint64_t kIssuedAt = 1669593600;

inline KeyPair key(KeyType type) {  // seed bytes 00 01 02 … 1f
  Bytes seed(32);
  std::iota(seed.begin(), seed.end(), std::uint8_t{0});
  return KeyPair::from_raw_seed(type, seed).value();
}

// A file of testdata/ without its last line end.
inline std::string testdata(const std::string& name) {
  std::ifstream in(TESTDATA "/" + name, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(in), {}};
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

inline ActorClaims actor() {
  ActorClaims claims;
  claims.issuer = key(KeyType::account).public_key();
  claims.subject = key(KeyType::module).public_key();
  claims.issued_at = kIssuedAt;
  claims.name = "Echo";
  claims.caps = {"wasmcloud:httpserver"};
  claims.rev = 4;
  claims.ver = "0.3.4";
  claims.call_alias = "my_alias_x/y";
  return claims;
}

inline ProviderClaims provider() {
  ProviderClaims claims;
  claims.issuer = key(KeyType::account).public_key();
  claims.subject = key(KeyType::service).public_key();
  claims.issued_at = kIssuedAt;
  claims.name = "KV";
  claims.contract_id = "wasmcloud:keyvalue";
  claims.vendor = "wasmCloud";
  claims.rev = 1;
  claims.ver = "0.1.0";
  claims.target_hashes = {{"x86_64-linux", "AB"}};
  return claims;
}

}  // namespace trellis::claims::golden
