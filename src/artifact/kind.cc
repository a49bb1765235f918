#include "artifact/kind.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "artifact/media_types.h"
#include "artifact/provider_archive.h"
#include "claims/wasm_file.h"

namespace trellis::artifact {
namespace {

constexpr std::string_view kWasmMagic{"\0asm", 4};

tl::unexpected<Error> unsupported(std::string_view why) {
  return fail(Errc::invalid, "artifact.kind", std::string(why));
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
  if (auto archive = read_provider_archive(bytes); !archive)
    return unsupported(archive.error().detail);
  return Kind::provider;
}

}  // namespace trellis::artifact
