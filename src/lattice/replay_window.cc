#include "lattice/replay_window.h"

#include <openssl/sha.h>

#include <cstring>

namespace trellis::lattice {

ReplayWindow::Seen ReplayWindow::remember(std::string_view token, std::uint64_t forget_at,
                                          std::uint64_t now) {
  while (!by_second_.empty() && by_second_.begin()->first < now) {
    for (const auto& digest : by_second_.begin()->second) seen_.erase(digest);
    by_second_.erase(by_second_.begin());
  }
  unsigned char sha[SHA256_DIGEST_LENGTH];
  SHA256(reinterpret_cast<const unsigned char*>(token.data()), token.size(), sha);
  Digest digest;
  std::memcpy(digest.data(), sha, sizeof digest);
  if (seen_.contains(digest)) return Seen::repeated;
  if (seen_.size() >= remembered_max_) return Seen::full;
  seen_.insert(digest);
  by_second_[forget_at].push_back(digest);
  return Seen::fresh;
}

}  // namespace trellis::lattice
