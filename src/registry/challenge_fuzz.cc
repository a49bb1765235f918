// Whatever a registry sends as WWW-Authenticate: challenges have a scheme, stay few and small, and
// written again they read the same.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "registry/challenge.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace trellis::registry;
  const auto challenges =
      parse_challenges(std::string_view(reinterpret_cast<const char*>(data), size));
  if (challenges.size() > 8) std::abort();
  std::string written;
  for (const auto& challenge : challenges) {
    if (challenge.scheme.empty() || challenge.parameters.size() > 16) std::abort();
    written += (written.empty() ? "" : ", ") + write_challenge(challenge);
  }
  if (written.size() > 16'000) return 0;  // longer than what is read
  const auto again = parse_challenges(written);
  if (again.size() != challenges.size()) std::abort();
  for (std::size_t i = 0; i < again.size(); ++i) {
    if (again[i].scheme != challenges[i].scheme ||
        again[i].parameters != challenges[i].parameters) {
      std::abort();
    }
  }
  return 0;
}
