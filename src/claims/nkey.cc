#include "claims/nkey.h"

#include <sodium.h>

#include <algorithm>

#include "base/check.h"
#include "codec/base32.h"

namespace trellis::claims {
namespace {

constexpr std::size_t kPublicKeyChars = 56;
constexpr std::size_t kSeedChars = 58;
constexpr std::uint8_t kSeedMarker = 0x90;

struct Kind {
  KeyType type;
  std::uint8_t prefix;
};
constexpr std::array<Kind, 7> kKinds = {{{KeyType::account, 0x00},
                                         {KeyType::cluster, 0x10},
                                         {KeyType::module, 0x60},
                                         {KeyType::server, 0x68},
                                         {KeyType::operator_, 0x70},
                                         {KeyType::user, 0xa0},
                                         {KeyType::service, 0xa8}}};

std::uint8_t prefix_of(KeyType type) {
  for (const Kind& kind : kKinds) {
    if (kind.type == type) return kind.prefix;
  }
  CHECK(false);
}

Result<KeyType> type_of(std::uint8_t prefix) {
  for (const Kind& kind : kKinds) {
    if (kind.prefix == prefix) return kind.type;
  }
  return fail(
      Errc::invalid, "claims.nkey.prefix",
      "the key is of no known kind: it should begin with A, C, M, N, O, U or V (a seed with "
      "S and one of these)");
}

void ensure_sodium() {
  static const bool ready = sodium_init() >= 0;  // may be called from any thread
  CHECK(ready);
}

// CRC-16/XMODEM over everything before it, low byte first: docs/protocol.md §5.1.
std::uint16_t crc16(BytesView bytes) {
  unsigned crc = 0;
  for (const std::uint8_t byte : bytes) {
    crc ^= static_cast<unsigned>(byte) << 8;
    for (int bit = 0; bit < 8; ++bit) crc = (crc & 0x8000) ? (crc << 1) ^ 0x1021 : crc << 1;
    crc &= 0xffff;
  }
  return static_cast<std::uint16_t>(crc);
}

std::string with_checksum(Bytes raw) {
  const std::uint16_t crc = crc16(raw);
  raw.push_back(static_cast<std::uint8_t>(crc & 0xff));
  raw.push_back(static_cast<std::uint8_t>(crc >> 8));
  std::string text = codec::base32_encode(raw);
  sodium_memzero(raw.data(), raw.size());
  return text;
}

// The bytes of a key or seed without their checksum, once length, alphabet and checksum are right.
// Never repeats the text in an error: it may be a secret.
Result<Bytes> checked(std::string_view text, std::size_t chars, std::string_view what) {
  if (text.size() != chars) {
    return fail(Errc::invalid, "claims.nkey.length",
                "the " + std::string(what) + " should be " + std::to_string(chars) +
                    " characters, but was " + std::to_string(text.size()) + " characters");
  }
  auto decoded = codec::base32_decode(text);
  if (!decoded) {
    return fail(Errc::invalid, "claims.nkey.alphabet",
                "the " + std::string(what) + " is " + decoded.error().detail);
  }
  Bytes raw = *std::move(decoded);
  const std::size_t body = raw.size() - 2;
  if (crc16(BytesView(raw).first(body)) != (raw[body] | raw[body + 1] << 8)) {
    return fail(Errc::invalid, "claims.nkey.checksum",
                "the checksum of the " + std::string(what) +
                    " does not match: a character is wrong; copy it again");
  }
  raw.resize(body);
  return raw;
}

std::string public_text(KeyType type, BytesView public_key) {
  Bytes raw{prefix_of(type)};
  append(raw, public_key);
  return with_checksum(std::move(raw));
}

}  // namespace

Result<KeyType> key_type_of(std::string_view public_key) {
  TRY(PublicKey key, PublicKey::parse(public_key));
  return key.type();
}

Result<PublicKey> PublicKey::parse(std::string_view text) {
  TRY(Bytes raw, checked(text, kPublicKeyChars, "key"));
  PublicKey key;
  TRY(key.type_, type_of(raw[0]));
  key.text_ = text;
  std::copy(raw.begin() + 1, raw.end(), key.raw_.begin());
  return key;
}

Result<PublicKey> PublicKey::parse(std::string_view text, KeyType expected) {
  if (text.size() == kPublicKeyChars && text[0] != static_cast<char>(expected)) {
    return fail(Errc::invalid, "claims.nkey.prefix",
                std::string("found the prefix \"") + text[0] + "\", but expected \"" +
                    static_cast<char>(expected) + "\"");
  }
  TRY(PublicKey key, parse(text));
  CHECK(key.type() == expected);  // the first letter is the first five bits of the prefix byte
  return key;
}

bool PublicKey::verify(BytesView message, const Signature& signature) const {
  ensure_sodium();
  return crypto_sign_verify_detached(signature.data(), message.data(), message.size(),
                                     raw_.data()) == 0;
}

KeyPair KeyPair::generate(KeyType type) {
  ensure_sodium();
  std::array<std::uint8_t, crypto_sign_SEEDBYTES> seed{};
  randombytes_buf(seed.data(), seed.size());
  auto pair = from_raw_seed(type, seed);
  sodium_memzero(seed.data(), seed.size());
  CHECK(pair.has_value());
  return *std::move(pair);
}

Result<KeyPair> KeyPair::from_seed(std::string_view seed) {
  TRY(Bytes raw, checked(seed, kSeedChars, "seed"));
  if ((raw[0] & 0xf8) != kSeedMarker) {
    return fail(Errc::invalid, "claims.nkey.prefix", "this is not a seed: a seed begins with S");
  }
  const auto prefix = static_cast<std::uint8_t>((raw[0] & 7) << 5 | raw[1] >> 3);
  auto pair = [&]() -> Result<KeyPair> {
    TRY(KeyType type, type_of(prefix));
    if ((raw[1] & 7) != 0) {
      return fail(Errc::invalid, "claims.nkey.prefix",
                  "this is not a seed: stray bits in its kind");
    }
    return from_raw_seed(type, BytesView(raw).subspan(2));
  }();
  sodium_memzero(raw.data(), raw.size());
  return pair;
}

Result<KeyPair> KeyPair::from_raw_seed(KeyType type, BytesView seed32) {
  ensure_sodium();
  if (seed32.size() != crypto_sign_SEEDBYTES) {
    return fail(Errc::invalid, "claims.nkey.length",
                "a raw seed is 32 bytes, this is " + std::to_string(seed32.size()));
  }
  KeyPair pair;
  std::array<std::uint8_t, crypto_sign_PUBLICKEYBYTES> public_key{};
  crypto_sign_seed_keypair(public_key.data(), pair.secret_.data(), seed32.data());
  pair.type_ = type;
  pair.public_key_ = public_text(type, public_key);
  return pair;
}

KeyPair::KeyPair(KeyPair&& other) noexcept
    : type_(other.type_), public_key_(std::move(other.public_key_)), secret_(other.secret_) {
  sodium_memzero(other.secret_.data(), other.secret_.size());
}

KeyPair& KeyPair::operator=(KeyPair&& other) noexcept {
  if (this == &other) return *this;
  type_ = other.type_;
  public_key_ = std::move(other.public_key_);
  secret_ = other.secret_;
  sodium_memzero(other.secret_.data(), other.secret_.size());
  return *this;
}

KeyPair::KeyPair(const KeyPair&) = default;

KeyPair::~KeyPair() { sodium_memzero(secret_.data(), secret_.size()); }

std::string KeyPair::seed() const {
  const std::uint8_t prefix = prefix_of(type_);
  Bytes raw{static_cast<std::uint8_t>(kSeedMarker | prefix >> 5),
            static_cast<std::uint8_t>((prefix & 31) << 3)};
  append(raw, BytesView(secret_).first(crypto_sign_SEEDBYTES));  // libsodium: seed, then public key
  return with_checksum(std::move(raw));
}

Signature KeyPair::sign(BytesView message) const {
  Signature signature{};
  crypto_sign_detached(signature.data(), nullptr, message.data(), message.size(), secret_.data());
  return signature;
}

}  // namespace trellis::claims
