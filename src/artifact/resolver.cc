#include "artifact/resolver.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "artifact/digest.h"
#include "artifact/file_io.h"
#include "artifact/kind.h"
#include "artifact/layout.h"
#include "artifact/suggestion.h"
#include "base/log.h"
#include "base/sentences.h"

namespace trellis::artifact {
namespace {

// The text 2022 hosts gave; clients show it as it is. docs/protocol.md §4.6.
constexpr std::string_view kLatestRefused =
    "Fetching images tagged 'latest' is currently prohibited in this host. This option can be "
    "overridden with WASMCLOUD_OCI_ALLOW_LATEST";

// Why a reference without a tag is refused, and what was probably meant.
std::string untagged(const Reference& reference, const std::vector<std::string>& known) {
  std::string text =
      fmt::format("{} has no tag, which means 'latest'. {}", reference.text, kLatestRefused);
  if (reference.repository.ends_with(".wasm"))
    return text +
           ". A file of the host's machine is named with file:// and its absolute path, as in "
           "file:///path/to/actor_s.wasm";
  return and_then(text, suggestion(reference, known));
}

Result<Artifact> fetch_file(const Reference& reference) {
  auto bytes = read_file(reference.path, kArtifactBytesMax);
  if (!bytes) {
    return fail(bytes.error().code, "artifact.file",
                fmt::format("{}: {}", reference.text, bytes.error().detail));
  }
  Artifact artifact{
      reference.text, digest_of(*bytes), std::string(media_type_by_magic(*bytes)), {}};
  artifact.bytes = std::move(*bytes);
  return artifact;
}

}  // namespace

Resolver::Resolver(ResolverOptions options) : options_(std::move(options)) {}

Result<Artifact> Resolver::fetch(const std::string& text, std::optional<Kind> wanted) const {
  TRY(const auto reference, parse_reference(text));
  if (reference.kind == Reference::Kind::file) {
    if (options_.allow_files) return fetch_file(reference);
    return fail(Errc::denied, "artifact.file",
                fmt::format("{}: this host does not start artifacts from files", text));
  }
  TRY_OK(check_latest(reference, wanted));
  auto artifact = fetch_by_name(reference);
  if (artifact) {
    artifact->reference = text;
    return artifact;
  }
  // A typo in a registry's name is more often met than a registry that is down.
  const auto& error = artifact.error();
  const bool missing = error.code == Errc::not_found;
  const auto why = and_then(missing ? fmt::format("{} was not found", text) : "", error.detail);
  return fail(error.code, missing ? "artifact.reference" : error.site,
              and_then(why, suggestion(reference, known_references(wanted))));
}

Result<void> Resolver::check_latest(const Reference& reference, std::optional<Kind> wanted) const {
  if (!reference.is_latest() || options_.allow_latest) return {};
  const bool says_nothing = reference.tag.empty() && reference.digest.empty();
  return fail(
      Errc::denied, "artifact.latest",
      says_nothing ? untagged(reference, known_references(wanted)) : std::string(kLatestRefused));
}

// The second is asked when the first does not have it, or cannot be asked.
Result<Artifact> Resolver::fetch_by_name(const Reference& reference) const {
  if (!options_.registry) return fetch_from_layouts(reference);
  auto first =
      options_.registry_first ? fetch_from_registry(reference) : fetch_from_layouts(reference);
  if (first) return first;
  // What is installed is meant to be used: a damaged one is not passed over in silence.
  if (!options_.registry_first && first.error().code != Errc::not_found) return first;
  auto second =
      options_.registry_first ? fetch_from_layouts(reference) : fetch_from_registry(reference);
  if (second) {
    if (first.error().code != Errc::not_found) {
      LOG(warn, "{}; taken from a layout instead", first.error().describe());
    }
    return second;
  }
  if (first.error().code != Errc::not_found) return first;
  if (second.error().code != Errc::not_found) return second;
  return fail(Errc::not_found, second.error().site,
              and_then(first.error().detail, second.error().detail));
}

Result<Artifact> Resolver::fetch_from_registry(const Reference& reference) const {
  auto artifact = options_.registry->fetch(reference);
  if (artifact || artifact.error().code == Errc::not_found) return artifact;
  // The beginning of what hosts of 2022 said. docs/protocol.md §4.6.
  return fail(
      artifact.error().code, artifact.error().site,
      fmt::format("Failed to fetch OCI bytes: {}: {}", reference.text, artifact.error().detail));
}

Result<Artifact> Resolver::fetch_from_layouts(const Reference& reference) const {
  std::string looked;
  for (const auto& dir : options_.layouts) {
    auto content = Layout(dir).read(reference);
    if (content) {
      return Artifact{reference.text, std::move(content->digest), std::move(content->media_type),
                      std::move(content->bytes)};
    }
    if (content.error().code != Errc::not_found) return fail(std::move(content).error());
    // A layout that is not there at all is worth more words than one that lacks the reference.
    if (!looked.empty()) looked += ", ";
    looked += Layout(dir).entries() ? fmt::format("'{}'", dir) : content.error().detail;
  }
  return fail(Errc::not_found, "artifact.layout",
              looked.empty() ? "No artifact layout is installed or configured"
                             : fmt::format("Looked in {}", looked));
}

std::vector<std::string> Resolver::known_references(std::optional<Kind> wanted) const {
  std::vector<std::string> known;
  for (const auto& dir : options_.layouts) {
    const Layout layout(dir);
    const auto entries = layout.entries();
    if (!entries) continue;
    for (const auto& entry : *entries) {
      if (entry.reference.empty()) continue;
      if (!wanted || layout.kind_of(entry).value_or(*wanted) == *wanted)
        known.push_back(entry.reference);
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
