#include "artifact/digest.h"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <array>

#include "base/check.h"

namespace trellis::artifact {

std::string digest_of(BytesView bytes) {
  std::array<unsigned char, 32> hash{};
  CHECK(EVP_Digest(bytes.data(), bytes.size(), hash.data(), nullptr, EVP_sha256(), nullptr) == 1);
  std::string text = "sha256:";
  text.reserve(text.size() + 2 * hash.size());
  for (const auto byte : hash) fmt::format_to(std::back_inserter(text), "{:02x}", byte);
  return text;
}

}  // namespace trellis::artifact
