// A provider archive as a file: where it goes, signed now, and put there in one step. Used by
// `wash par` and `trellis-provider pack`. Blocking.
#pragma once

#include <map>
#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "claims/claims.h"
#include "claims/nkey.h"

namespace trellis::signing {

// Where an archive is written: `destination`, or <stem>.par in this folder. What is compressed is
// called .gz, as in 2022.
std::string archive_path(const std::string& destination, const std::string& stem, bool compress);

// `programs` by the kind of machine. The claims' issuer, hashes and time of signing are set here.
// Replaces a file that is there.
Result<void> write_archive(const std::string& path, claims::ProviderClaims claims,
                           const std::map<std::string, Bytes>& programs,
                           const claims::KeyPair& account, bool gzip);

}  // namespace trellis::signing
