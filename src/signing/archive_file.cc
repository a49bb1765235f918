#include "signing/archive_file.h"

#include <fmt/format.h>

#include <chrono>
#include <filesystem>
#include <utility>

#include "artifact/file_io.h"
#include "artifact/provider_archive.h"
#include "base/causes.h"
#include "base/unix_time.h"

namespace trellis::signing {
namespace {}  // namespace

std::string archive_path(const std::string& destination, const std::string& stem, bool compress) {
  if (destination.empty()) return stem + (compress ? ".par.gz" : ".par");
  const bool called_so = destination.ends_with(".gz");
  return destination + (compress && !called_so ? ".gz" : "");
}

Result<void> write_archive(const std::string& path, claims::ProviderClaims claims,
                           const std::map<std::string, Bytes>& programs,
                           const claims::KeyPair& account, bool gzip) {
  claims.issued_at = now_unix();
  TRY(const Bytes archive,
      artifact::write_provider_archive(std::move(claims), programs, account, gzip));
  auto written = artifact::write_file(path, archive);
  if (written) return {};
  const auto folder = std::filesystem::path(path).parent_path();
  return fail(caused_by(
      fmt::format("Error writing PAR. Please ensure directory \"{}\" exists", folder.string()),
      written.error()));
}

}  // namespace trellis::signing
