// nkeys: Ed25519 keys in the text form NATS and wasmCloud use. A public key is 56 characters whose
// first says what it belongs to; a seed is 58 that begin with S and that letter. Format:
// docs/protocol.md §5.1.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

namespace trellis::claims {

enum class KeyType : char {
  account = 'A',
  cluster = 'C',
  module = 'M',
  server = 'N',
  operator_ = 'O',
  user = 'U',
  service = 'V',
};

Result<KeyType> key_type_of(
    std::string_view public_key);  // full check: length, alphabet, prefix, CRC

using Signature = std::array<std::uint8_t, 64>;

// A public key, parsed once; verify() does no text work. A value.
class PublicKey {
 public:
  static Result<PublicKey> parse(std::string_view text);
  static Result<PublicKey> parse(std::string_view text, KeyType expected);
  KeyType type() const { return type_; }
  const std::string& text() const { return text_; }
  bool verify(BytesView message, const Signature& signature) const;

 private:
  KeyType type_{};
  std::string text_;
  std::array<std::uint8_t, 32> raw_{};
};

// A key pair. Movable; the secret is wiped when it goes.
class KeyPair {
 public:
  static KeyPair generate(KeyType type);
  static Result<KeyPair> from_seed(std::string_view seed);
  static Result<KeyPair> from_raw_seed(KeyType type, BytesView seed32);
  KeyPair(KeyPair&&) noexcept;
  KeyPair& operator=(KeyPair&&) noexcept;
  KeyPair(const KeyPair&);
  ~KeyPair();

  KeyType type() const { return type_; }
  const std::string& public_key() const { return public_key_; }
  std::string seed() const;
  Signature sign(BytesView message) const;

 private:
  KeyPair() = default;
  KeyType type_{};
  std::string public_key_;
  std::array<std::uint8_t, 64> secret_{};
};

}  // namespace trellis::claims
