#include "artifact/kind.h"

#include <archive.h>
#include <archive_entry.h>
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <string>

#include "artifact/media_types.h"
#include "base/limits.h"
#include "claims/claims.h"
#include "claims/jwt.h"
#include "claims/wasm_file.h"

namespace trellis::artifact {
namespace {

constexpr int kEntriesMax = 64;
constexpr std::size_t kSkippedBytesMax = 512_MiB;  // what stands before the claims, unpacked
constexpr std::string_view kWasmMagic{"\0asm", 4};

struct ArchiveFree {
  void operator()(archive* a) const { archive_read_free(a); }
};
using Archive = std::unique_ptr<archive, ArchiveFree>;

tl::unexpected<Error> unsupported(std::string_view why) {
  return fail(Errc::invalid, "artifact.kind", std::string(why));
}

Result<Archive> open_archive(BytesView bytes) {
  Archive reader(archive_read_new());
  if (!reader || archive_read_support_filter_gzip(reader.get()) != ARCHIVE_OK ||
      archive_read_support_format_tar(reader.get()) != ARCHIVE_OK ||
      archive_read_open_memory(reader.get(), bytes.data(), bytes.size()) != ARCHIVE_OK) {
    return unsupported("it is no archive that can be read");
  }
  return reader;
}

Result<std::string> read_claims(archive* reader) {
  std::string token(limits::kJwtBytesMax, '\0');
  std::size_t done = 0;
  while (done < token.size()) {
    const auto n = archive_read_data(reader, token.data() + done, token.size() - done);
    if (n < 0) return unsupported("its claims.jwt is damaged");
    if (n == 0) break;
    done += static_cast<std::size_t>(n);
  }
  token.resize(done);
  while (!token.empty() && (token.back() == '\n' || token.back() == ' ')) token.pop_back();
  return token;
}

// The token in claims.jwt. Known by its stem, whatever its folder and ending: docs/protocol.md
// §4.5.
Result<std::string> claims_in(BytesView bytes) {
  TRY(const auto reader, open_archive(bytes));
  std::size_t skipped = 0;
  for (int i = 0; i < kEntriesMax && skipped <= kSkippedBytesMax; ++i) {
    archive_entry* entry = nullptr;
    const int got = archive_read_next_header(reader.get(), &entry);
    if (got == ARCHIVE_EOF) break;
    if (got != ARCHIVE_OK) return unsupported("it is no archive that can be read to its end");
    const char* name = archive_entry_pathname(entry);
    if (name != nullptr && std::filesystem::path(name).stem() == "claims") {
      return read_claims(reader.get());
    }
    skipped += static_cast<std::size_t>(std::max<la_int64_t>(archive_entry_size(entry), 0));
  }
  return unsupported("it is an archive without claims.jwt");
}

}  // namespace

std::string_view layer_media_type(Kind kind) {
  return kind == Kind::actor ? kActorLayer : kProviderLayer;
}

std::string_view config_media_type(Kind kind) {
  return kind == Kind::actor ? kActorConfig : kProviderConfig;
}

std::string_view media_type_by_magic(BytesView bytes) {
  const auto head = as_text(bytes.first(std::min<std::size_t>(bytes.size(), 4)));
  if (head == kWasmMagic) return kActorLayer;
  const bool gzip = head.starts_with("\x1f\x8b");
  const bool tar = bytes.size() >= 262 && as_text(bytes.subspan(257, 5)) == "ustar";
  return gzip || tar ? kProviderLayer : "application/octet-stream";
}

Result<Kind> kind_of(BytesView bytes) {
  const auto media_type = media_type_by_magic(bytes);
  if (media_type == kActorLayer) {
    if (auto module = claims::inspect_signed_module(bytes); !module) {
      return unsupported(
          fmt::format("{}. `wash claims sign` signs a module", module.error().detail));
    }
    return Kind::actor;
  }
  if (media_type != kProviderLayer) {
    return unsupported("it is neither a WebAssembly module nor a provider archive");
  }
  TRY(const auto token, claims_in(bytes));
  const auto jwt = claims::decode_jwt(token);
  const auto claims = jwt ? claims::provider_claims(*jwt) : fail(jwt.error());
  if (!claims) {
    return unsupported(
        fmt::format("its claims.jwt is not that of a provider: {}", claims.error().detail));
  }
  return Kind::provider;
}

}  // namespace trellis::artifact
