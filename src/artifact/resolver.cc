#include "artifact/resolver.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "artifact/digest.h"
#include "artifact/file_io.h"
#include "artifact/layout.h"
#include "artifact/media_types.h"
#include "artifact/suggestion.h"

namespace trellis::artifact {
namespace {

// The text 2022 hosts gave; clients show it as it is. docs/protocol.md §4.6.
constexpr std::string_view kLatestRefused =
    "Fetching images tagged 'latest' is currently prohibited in this host. This option can be "
    "overridden with WASMCLOUD_OCI_ALLOW_LATEST";

std::string_view media_type_of(BytesView bytes) {
  const auto text = as_text(bytes.first(std::min<std::size_t>(bytes.size(), 4)));
  if (text == std::string_view("\0asm", 4)) return kActorLayer;
  const bool gzip = text.starts_with("\x1f\x8b");
  const bool tar = bytes.size() >= 262 && as_text(bytes.subspan(257, 5)) == "ustar";
  return gzip || tar ? kProviderLayer : "application/octet-stream";
}

// Why a reference without a tag is refused, and what was probably meant.
std::string untagged(const Reference& reference, const std::vector<std::string>& known) {
  std::string text =
      fmt::format("{} has no tag, which means 'latest'. {}", reference.text, kLatestRefused);
  if (reference.repository.ends_with(".wasm"))
    return text +
           ". A file of the host's machine is named with file:// and its absolute path, as in "
           "file:///path/to/actor_s.wasm";
  const auto near = suggestion(reference, known);
  return near.empty() ? text : fmt::format("{}. {}", text, near);
}

Result<Artifact> fetch_file(const Reference& reference) {
  auto bytes = read_file(reference.path, kArtifactBytesMax);
  if (!bytes) {
    return fail(bytes.error().code, "artifact.file",
                fmt::format("{}: {}", reference.text, bytes.error().detail));
  }
  Artifact artifact{reference.text, digest_of(*bytes), std::string(media_type_of(*bytes)), {}};
  artifact.bytes = std::move(*bytes);
  return artifact;
}

}  // namespace

Resolver::Resolver(ResolverOptions options) : options_(std::move(options)) {}

Result<Artifact> Resolver::fetch(const std::string& text) const {
  TRY(const auto reference, parse_reference(text));
  if (reference.kind == Reference::Kind::file) {
    if (options_.allow_files) return fetch_file(reference);
    return fail(Errc::denied, "artifact.file",
                fmt::format("{}: this host does not start artifacts from files", text));
  }
  if (reference.is_latest() && !options_.allow_latest) {
    const bool says_nothing = reference.tag.empty() && reference.digest.empty();
    return fail(
        Errc::denied, "artifact.latest",
        says_nothing ? untagged(reference, known_references()) : std::string(kLatestRefused));
  }

  std::string looked;
  for (const auto& dir : options_.layouts) {
    auto content = Layout(dir).read(reference);
    if (content) {
      return Artifact{text, std::move(content->digest), std::move(content->media_type),
                      std::move(content->bytes)};
    }
    if (content.error().code != Errc::not_found) return fail(std::move(content).error());
    // A layout that is not there at all is worth more words than one that lacks the reference.
    if (!looked.empty()) looked += ", ";
    looked += Layout(dir).entries() ? fmt::format("'{}'", dir) : content.error().detail;
  }
  const auto near = suggestion(reference, known_references());
  return fail(Errc::not_found, "artifact.reference",
              fmt::format("{} was not found. {}{}{}", text,
                          looked.empty() ? "No artifact layout is installed or configured"
                                         : fmt::format("Looked in {}", looked),
                          near.empty() ? "" : ". ", near));
}

std::vector<std::string> Resolver::known_references() const {
  std::vector<std::string> known;
  for (const auto& dir : options_.layouts) {
    const auto entries = Layout(dir).entries();
    if (!entries) continue;
    for (const auto& entry : *entries) {
      if (!entry.reference.empty()) known.push_back(entry.reference);
    }
  }
  std::sort(known.begin(), known.end());
  known.erase(std::unique(known.begin(), known.end()), known.end());
  return known;
}

Result<std::string> add_to_layout(const std::string& layout_dir, const std::string& reference,
                                  const std::string& media_type,
                                  const std::string& config_media_type, BytesView bytes) {
  return Layout(layout_dir).add(reference, media_type, config_media_type, bytes);
}

}  // namespace trellis::artifact
