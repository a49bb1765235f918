// Any text: a key or a seed that is accepted has exactly one text; 32 bytes of the input make a
// pair whose texts are accepted.
#include "base/check.h"
#include "claims/nkey.h"

using namespace trellis;
using namespace trellis::claims;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const BytesView in(data, size);
  if (const auto key = PublicKey::parse(as_text(in))) {
    CHECK(key->text() == as_text(in));
    CHECK(key->text().front() == static_cast<char>(key->type()));
    CHECK(PublicKey::parse(as_text(in), key->type()).has_value());
  }
  if (const auto pair = KeyPair::from_seed(as_text(in))) CHECK(pair->seed() == as_text(in));
  if (size < 33) return 0;
  constexpr KeyType kTypes[] = {KeyType::account, KeyType::cluster,   KeyType::module,
                                KeyType::server,  KeyType::operator_, KeyType::user,
                                KeyType::service};
  const KeyPair pair = KeyPair::from_raw_seed(kTypes[in[32] % 7], in.first(32)).value();
  CHECK(KeyPair::from_seed(pair.seed()).value().public_key() == pair.public_key());
  CHECK(key_type_of(pair.public_key()).value() == pair.type());
  return 0;
}
