// A provider archive (PAR): signed claims and the provider's program for one or more kinds of
// machine. Reading checks everything: the files (archive_files.h), the token's signature, which
// 2022 did not look at, and that each program is the one that was signed. Used by the host before
// it runs one and by wash. Blocking; pure but for memory. Format: docs/protocol.md §4.5.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "claims/claims.h"
#include "claims/nkey.h"

namespace trellis::artifact {

struct ProviderArchive {
  claims::ProviderClaims claims;
  std::string token;
  std::map<std::string, Bytes> programs;  // by target, "x86_64-linux"
};

// With every program, whether or not the claims are valid now: for `wash par`.
Result<ProviderArchive> read_provider_archive(BytesView file);

// What it takes to run a provider on this machine.
struct ProviderProgram {
  claims::ProviderClaims claims;
  Bytes program;
};
// Errors carry the 2022 texts: "Not enough files found in provider archive. Is this a complete
// archive?", "No suitable target found in provider archive" (and which it has), "File hash and
// verify hash do not match for '…'", and as for actors "Claims token expired", "Claims token cannot
// be used yet", "Invalid signature on provider token".
Result<ProviderProgram> read_provider_program(BytesView file, std::uint64_t now);

// The target that this machine is.
std::string_view this_target();
// "x86_64-linux": two words of lower-case letters, digits and '_'. The error shows one.
Result<void> check_target(std::string_view target);

// Sets issuer and target_hashes, signs, packs. claims.subject is the provider's key.
Result<Bytes> write_provider_archive(claims::ProviderClaims claims,
                                     const std::map<std::string, Bytes>& programs,
                                     const claims::KeyPair& account, bool gzip);

}  // namespace trellis::artifact
