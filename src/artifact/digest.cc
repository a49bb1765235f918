#include "artifact/digest.h"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <array>

#include "base/check.h"

namespace trellis::artifact {

// OpenSSL fails here only when it has no memory or no SHA-256: our own broken ground.
struct Digester::State {
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  State() { CHECK(context != nullptr && EVP_DigestInit_ex(context, EVP_sha256(), nullptr) == 1); }
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() { EVP_MD_CTX_free(context); }
};

Digester::Digester() : state_(std::make_unique<State>()) {}
Digester::~Digester() = default;
Digester::Digester(Digester&&) noexcept = default;
Digester& Digester::operator=(Digester&&) noexcept = default;

void Digester::add(BytesView bytes) {
  CHECK(EVP_DigestUpdate(state_->context, bytes.data(), bytes.size()) == 1);
}

std::string Digester::digest() {
  std::array<unsigned char, 32> hash{};
  CHECK(EVP_DigestFinal_ex(state_->context, hash.data(), nullptr) == 1);
  std::string text = "sha256:";
  text.reserve(text.size() + 2 * hash.size());
  for (const auto byte : hash) fmt::format_to(std::back_inserter(text), "{:02x}", byte);
  return text;
}

std::string digest_of(BytesView bytes) {
  Digester digester;
  digester.add(bytes);
  return digester.digest();
}

}  // namespace trellis::artifact
