#include "registry/cache.h"

#include <algorithm>
#include <filesystem>

#include "base/log.h"

namespace trellis::registry {
namespace {

namespace fs = std::filesystem;
using artifact::Layout;
using artifact::Reference;

// A pin without its tag: a tag that moves on must not take the pinned one's place.
std::string name_of(const Reference& reference) {
  if (!reference.digest.empty()) return reference.name() + "@" + reference.digest;
  return reference.tag.empty() ? reference.name() + ":latest" : reference.tagged();
}

}  // namespace

std::string default_cache_dir(const Environment& get) {
  if (auto dir = variable(get, "TRELLIS_ARTIFACT_CACHE_DIR"); !dir.empty()) return dir;
  if (auto dir = variable(get, "XDG_CACHE_HOME"); !dir.empty()) return dir + "/trellis/artifacts";
  const auto home = variable(get, "HOME");
  return home.empty() ? std::string() : home + "/.cache/trellis/artifacts";
}

std::vector<Layout::Entry> Cache::entries() const {
  if (layout_.dir().empty()) return {};
  auto entries = layout_.entries();
  if (entries) return *std::move(entries);
  if (entries.error().code != Errc::not_found) {
    LOG(warn, "the artifact cache is not used: {}", entries.error().describe());
  }
  return {};
}

std::optional<Layout::Entry> Cache::find(const Reference& reference) const {
  if (!reference.digest.empty()) return find(reference, reference.digest);
  const auto name = name_of(reference);
  for (auto& entry : entries()) {
    if (entry.reference == name) return std::move(entry);
  }
  return std::nullopt;
}

std::optional<Layout::Entry> Cache::find(const Reference& reference,
                                         const std::string& digest) const {
  for (auto& entry : entries()) {
    if (entry.digest != digest) continue;
    const auto of = artifact::parse_reference(entry.reference);
    if (of && of->name() == reference.name()) return std::move(entry);
  }
  return std::nullopt;
}

std::optional<Layout::Content> Cache::read(const Layout::Entry& entry) const {
  auto content = layout_.read(entry, entry.reference);
  if (content) {
    layout_.use(entry);
    return *std::move(content);
  }
  LOG(warn, "{} is damaged in the artifact cache and is fetched again: {}", entry.reference,
      content.error().describe());
  if (auto removed = layout_.remove(entry); !removed) {
    LOG(warn, "the damaged one stays: {}", removed.error().describe());
  }
  return std::nullopt;
}

void Cache::store(const Reference& reference, Layout::Entry entry,
                  std::span<const Layout::Blob> blobs) const {
  if (layout_.dir().empty()) return;
  entry.reference = name_of(reference);
  auto stored = layout_.store(entry, blobs);
  const auto index = layout_.dir() + "/index.json";
  std::error_code ignored;
  if (!stored && fs::exists(index, ignored) && !layout_.entries()) {
    // It cannot be read. Nothing but the copies is lost by beginning anew.
    LOG(warn, "the artifact cache begins anew: {}", stored.error().describe());
    fs::remove(index, ignored);
    stored = layout_.store(entry, blobs);
  }
  if (stored) stored = layout_.trim(bytes_max_);
  if (!stored)
    LOG(warn, "{} is not kept in the artifact cache: {}", entry.reference,
        stored.error().describe());
}

}  // namespace trellis::registry
