#include "artifact/provider_archive.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "artifact/archive_files.h"
#include "base/limits.h"
#include "claims/wasm_file.h"

namespace trellis::artifact {
namespace {

constexpr const char* kSite = "artifact.provider_archive";
constexpr std::string_view kClaimsStem = "claims";
constexpr std::string_view kClaimsFile = "claims.jwt";

// 2022 knows files by their names without the extension.
std::string_view stem(std::string_view name) {
  const auto dot = name.rfind('.');
  return dot == std::string_view::npos || dot == 0 ? name : name.substr(0, dot);
}

Result<std::string> token_of(const std::vector<ArchiveFile>& files) {
  const auto found = std::find_if(files.begin(), files.end(), [](const ArchiveFile& file) {
    return stem(file.name) == kClaimsStem;
  });
  if (found == files.end() || files.size() < 2) {
    return fail(
        Errc::invalid, kSite,
        fmt::format("Not enough files found in provider archive. Is this a complete archive?"
                    " It should have {} and a program; it has: {}",
                    kClaimsFile, files.empty() ? "nothing" : files.front().name));
  }
  if (found->bytes.size() > limits::kJwtBytesMax)
    return fail(Errc::invalid, kSite, fmt::format("{} is too large for a token", found->name));
  return std::string(as_text(found->bytes));
}

Result<claims::ProviderClaims> verified_claims(std::string_view token) {
  auto jwt = claims::verify_jwt(token);
  if (!jwt && jwt.error().code == Errc::unauthenticated) {
    return fail(Errc::unauthenticated, kSite,
                "Invalid signature on provider token: " + jwt.error().detail);
  }
  auto claims = jwt ? claims::provider_claims(*jwt) : fail(jwt.error());
  if (!claims) {
    return fail(Errc::invalid, kSite,
                "Failed to read the claims of the provider archive: " + claims.error().detail);
  }
  return claims;
}

Result<void> check_hash(const claims::ProviderClaims& claims, std::string_view target,
                        std::string_view hash) {
  const auto promised = claims.target_hashes.find(std::string(target));
  if (promised == claims.target_hashes.end()) {
    return fail(Errc::unauthenticated, kSite,
                fmt::format("the provider archive has a program for '{}' that its claims do not "
                            "name: it was put there after signing",
                            target));
  }
  if (promised->second == hash) return {};
  return fail(Errc::unauthenticated, kSite,
              fmt::format("File hash and verify hash do not match for '{}': it is not the program "
                          "that was signed",
                          target));
}

// `wanted`: the target whose program is kept, "" for all.
Result<ProviderArchive> read(BytesView file, std::string_view wanted) {
  TRY(auto files, read_archive_files(file, [&](std::string_view name) {
        return wanted.empty() || stem(name) == wanted || stem(name) == kClaimsStem;
      }));
  ProviderArchive archive;
  TRY(archive.token, token_of(files));
  TRY(archive.claims, verified_claims(archive.token));
  for (auto& each : files) {
    const std::string target(stem(each.name));
    if (target == kClaimsStem) continue;
    TRY_OK(check_hash(archive.claims, target, each.hash));
    if (!archive.programs.emplace(target, std::move(each.bytes)).second) {
      return fail(Errc::invalid, kSite,
                  fmt::format("the provider archive has two programs for '{}'", target));
    }
  }
  return archive;
}

Result<void> check_times(const claims::Validity& validity, std::uint64_t now) {
  switch (validity.at(now)) {
    case claims::JwtState::expired:
      return fail(Errc::unauthenticated, kSite, "Claims token expired");
    case claims::JwtState::not_yet_valid:
      return fail(Errc::unauthenticated, kSite, "Claims token cannot be used yet");
    case claims::JwtState::valid:
      break;
  }
  return {};
}

std::vector<std::string_view> targets_of(const ProviderArchive& archive) {
  std::vector<std::string_view> targets;
  for (const auto& [target, program] : archive.programs) targets.push_back(target);
  return targets;
}

}  // namespace

std::string_view this_target() {
#if defined(__x86_64__)
  return "x86_64-linux";
#elif defined(__aarch64__)
  return "aarch64-linux";
#else
#error "tell docs/protocol.md §4.5 what this processor is called"
#endif
}

Result<void> check_target(std::string_view target) {
  const auto word = [](std::string_view text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
    });
  };
  const auto dash = target.find('-');
  if (dash != std::string_view::npos && target.size() <= 64 && word(target.substr(0, dash)) &&
      word(target.substr(dash + 1)))
    return {};
  return fail(
      Errc::invalid, kSite,
      fmt::format("'{}' is not of the form ARCH-OS; this machine is {}", target, this_target()));
}

Result<ProviderArchive> read_provider_archive(BytesView file) { return read(file, ""); }

Result<ProviderProgram> read_provider_program(BytesView file, std::uint64_t now) {
  TRY(auto archive, read(file, this_target()));
  TRY_OK(check_times(archive.claims.validity, now));
  const auto found = archive.programs.find(std::string(this_target()));
  if (found == archive.programs.end()) {
    return fail(Errc::invalid, kSite,
                fmt::format("No suitable target found in provider archive: this machine is {}, it "
                            "has {}",
                            this_target(), fmt::join(targets_of(archive), ", ")));
  }
  if (found->second.empty())
    return fail(Errc::invalid, kSite, "the program in the provider archive is empty");
  return ProviderProgram{.claims = std::move(archive.claims), .program = std::move(found->second)};
}

Result<Bytes> write_provider_archive(claims::ProviderClaims claims,
                                     const std::map<std::string, Bytes>& programs,
                                     const claims::KeyPair& account, bool gzip) {
  claims.issuer = account.public_key();
  claims.target_hashes.clear();
  std::vector<ArchiveFile> files(1);
  for (const auto& [target, program] : programs) {
    TRY_OK(check_target(target));
    claims.target_hashes[target] = claims::sha256_hex_upper(program);
    files.push_back({.name = target + ".bin", .bytes = program, .hash = {}});
  }
  if (programs.empty())
    return fail(Errc::invalid, kSite, "a provider archive needs at least one program");
  const auto jwt = to_jwt(claims);
  TRY_OK(claims::provider_claims(jwt));  // a key of the wrong kind would make what nobody accepts
  files.front() = {
      .name = std::string(kClaimsFile), .bytes = to_bytes(sign_jwt(jwt, account)), .hash = {}};
  return write_archive_files(files, gzip);
}

}  // namespace trellis::artifact
