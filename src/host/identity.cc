#include "host/identity.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <random>

namespace trellis::host {
namespace {

constexpr std::array kAdjectives{
    "autumn",   "bold",    "calm",     "crimson",   "deep", "dry",    "fancy", "floral",
    "gentle",   "green",   "hidden",   "icy",       "late", "lively", "misty", "muddy",
    "nameless", "patient", "polished", "quiet",     "red",  "silent", "snowy", "sparkling",
    "steep",    "swift",   "tiny",     "wandering", "wild", "young"};
constexpr std::array kNouns{
    "bird",  "brook", "bush",  "cloud", "dawn",   "dew",  "feather", "field",  "fire",    "forest",
    "frost", "glade", "grass", "haze",  "hill",   "lake", "leaf",    "meadow", "moon",    "pine",
    "pond",  "rain",  "river", "sea",   "shadow", "sky",  "star",    "sun",    "thunder", "wave"};

std::string make_friendly_name() {
  std::random_device random;
  const auto pick = [&](std::size_t n) {
    return std::uniform_int_distribution<std::size_t>(0, n - 1)(random);
  };
  return fmt::format("{}-{}-{}", kAdjectives[pick(kAdjectives.size())], kNouns[pick(kNouns.size())],
                     1 + pick(9999));
}

Result<claims::KeyPair> key_from(const std::string& seed, claims::KeyType type,
                                 const char* variable) {
  if (seed.empty()) return claims::KeyPair::generate(type);
  auto key = claims::KeyPair::from_seed(seed);
  if (!key || key->type() != type) {
    return fail(Errc::invalid, "host.identity",
                fmt::format("{} is not a seed of the form S{}… (58 characters): {}; make one with "
                            "`wash keys gen {}`",
                            variable, static_cast<char>(type),
                            key ? "it is a key of another kind" : key.error().detail,
                            type == claims::KeyType::server ? "server" : "cluster"));
  }
  return key;
}

}  // namespace

Result<Identity> make_identity(const Config& config) {
  TRY(auto host, key_from(config.host_seed, claims::KeyType::server, "WASMCLOUD_HOST_SEED"));
  TRY(auto cluster,
      key_from(config.cluster_seed, claims::KeyType::cluster, "WASMCLOUD_CLUSTER_SEED"));
  auto issuers = config.cluster_issuers;
  for (const auto& issuer : issuers) {
    if (auto key = claims::PublicKey::parse(issuer, claims::KeyType::cluster); !key) {
      return fail(Errc::invalid, "host.identity",
                  fmt::format("WASMCLOUD_CLUSTER_ISSUERS: '{}' is not a cluster key: {}", issuer,
                              key.error().detail));
    }
  }
  if (std::find(issuers.begin(), issuers.end(), cluster.public_key()) == issuers.end()) {
    issuers.push_back(cluster.public_key());
  }
  return Identity{.host = std::move(host),
                  .cluster = std::move(cluster),
                  .cluster_issuers = std::move(issuers),
                  .friendly_name = make_friendly_name()};
}

}  // namespace trellis::host
