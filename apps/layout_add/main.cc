// layout_add <layout> actor|provider <file> <reference>…: puts one file in an OCI layout under each
// reference. Used by the build (cmake/Actor.cmake) and by whoever makes a layout of their own.
// docs/artifacts.md.
#include <cstdio>
#include <string_view>

#include "artifact/file_io.h"
#include "artifact/layout.h"
#include "artifact/media_types.h"

namespace {

int complain(const trellis::Error& error) {
  std::fprintf(stderr, "layout_add: %s\n", error.detail.c_str());
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  using namespace trellis::artifact;
  const std::string_view kind = argc > 2 ? argv[2] : "";
  if (argc < 5 || (kind != "actor" && kind != "provider")) {
    std::fprintf(
        stderr, "Usage: layout_add <layout folder> actor|provider <file> <registry/name:tag>...\n");
    return 2;
  }
  const bool actor = kind == "actor";
  const auto bytes = read_file(argv[3], kArtifactBytesMax);
  if (!bytes) return complain(bytes.error());
  const Layout layout(argv[1]);
  for (int i = 4; i < argc; ++i) {
    const auto digest = layout.add(argv[i], actor ? kActorLayer : kProviderLayer,
                                   actor ? kActorConfig : kProviderConfig, *bytes);
    if (!digest) return complain(digest.error());
  }
  return 0;
}
