// The input as a file and as the sections of a module: what can be signed reads back, holds the
// same sections but for the form of numbers, and stays as it is when it is signed again.
#include "base/check.h"
#include "claims/wasm_file.h"

namespace {

using namespace trellis;
using namespace trellis::claims;

constexpr std::uint64_t kNow = 1669593600;

struct Signers {
  KeyPair account = KeyPair::from_raw_seed(KeyType::account, Bytes(32)).value();
  KeyPair module = KeyPair::from_raw_seed(KeyType::module, Bytes(32)).value();
};

void sign_and_read_back(BytesView file) {
  static const Signers signers;
  const auto plain = unsigned_module(file);
  if (!plain) return;
  ActorClaims claims;
  claims.subject = signers.module.public_key();
  claims.name = "fuzzed";
  claims.issued_at = kNow;
  const Bytes signed_file = sign_module(file, claims, signers.account).value();
  CHECK(unsigned_module(*plain).value() == *plain);
  const Bytes signed_content = unsigned_module(signed_file).value();
  CHECK(signed_content.size() <= plain->size());
  CHECK(unsigned_module(sign_module(signed_file, claims, signers.account).value()).value() ==
        signed_content);
  const SignedModule module = read_signed_module(signed_file, kNow).value();
  CHECK(module.claims.name == "fuzzed" && module.claims.issuer == signers.account.public_key());
  CHECK(module.claims.module_hash == sha256_hex_upper(signed_content));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const BytesView in(data, size);
  if (const auto read = read_signed_module(in, kNow)) CHECK(inspect_signed_module(in).has_value());
  Bytes file = {0, 'a', 's', 'm', 1, 0, 0, 0};
  append(file, in);
  (void)read_signed_module(file, kNow);
  sign_and_read_back(in);
  sign_and_read_back(file);
  return 0;
}
