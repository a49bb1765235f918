#include "artifact/layout.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <set>
#include <system_error>
#include <thread>
#include <utility>

#include "artifact/digest.h"
#include "artifact/file_io.h"
#include "artifact/foreign_text.h"
#include "artifact/media_types.h"
#include "codec/json.h"
#include "runtime/deadline.h"

namespace trellis::artifact {
namespace {

namespace json = codec::json;
namespace fs = std::filesystem;

using namespace std::chrono_literals;
constexpr auto kLockTimeout = 30s;
constexpr auto kLockPoll = 10ms;
constexpr std::size_t kEntriesMax = 100'000;
constexpr std::size_t kTrimmedEntriesMax = 5'000;  // an index that is read and written in a moment
constexpr std::array kManifests = {kOciManifest, kOciIndex, kDockerManifest, kDockerIndex};

tl::unexpected<Error> damaged(const std::string& where, std::string_view why) {
  return fail(Errc::corrupt, "artifact.layout",
              fmt::format("'{}' is damaged: {}. Install or fetch it again", where, why));
}

// Held while one process changes a layout, so that two do not lose each other's entries.
class DirectoryLock {
 public:
  static Result<DirectoryLock> take(const std::string& dir) {
    DirectoryLock lock(::open(dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    const auto deadline = runtime::Deadline::in(kLockTimeout);
    while (lock.fd_ < 0 || ::flock(lock.fd_, LOCK_EX | LOCK_NB) != 0) {
      if (lock.fd_ < 0 || errno != EWOULDBLOCK || deadline.expired()) {
        return fail(
            Errc::unavailable, "artifact.layout",
            fmt::format("Cannot lock '{}' to change it: {}. Another process may be changing it",
                        dir, std::generic_category().message(errno)));
      }
      std::this_thread::sleep_for(kLockPoll);
    }
    return lock;
  }
  DirectoryLock(DirectoryLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  DirectoryLock& operator=(DirectoryLock&&) = delete;
  ~DirectoryLock() {
    if (fd_ >= 0) ::close(fd_);
  }

 private:
  explicit DirectoryLock(int fd) : fd_(fd) {}
  int fd_;
};

bool names(const Layout::Entry& entry, const Reference& wanted) {
  if (!wanted.digest.empty() && entry.digest != wanted.digest) return false;
  if (!wanted.tag.empty()) return entry.reference == wanted.tagged();
  const auto parsed = parse_reference(entry.reference);
  if (!parsed || parsed->name() != wanted.name()) return false;
  return !wanted.digest.empty() || parsed->is_latest();
}

}  // namespace

std::string Layout::blob_path(std::string_view digest) const {
  return fmt::format("{}/blobs/sha256/{}", dir_, digest.substr(std::string_view("sha256:").size()));
}

Result<std::vector<Layout::Entry>> Layout::entries() const {
  if (auto marker = read_file(dir_ + "/oci-layout", kManifestBytesMax); !marker) {
    return fail(marker.error().code, "artifact.layout",
                fmt::format("'{}' is not an OCI layout: {}", dir_, marker.error().detail));
  }
  const auto path = dir_ + "/index.json";
  TRY(const auto text, read_file(path, kManifestBytesMax));
  const auto value = codec::json_parse(as_text(text));
  if (!value || !value->is_object()) return damaged(path, "it is not a JSON object");
  const auto* manifests = value->get_object().if_contains("manifests");
  if (manifests == nullptr || !manifests->is_array()) return damaged(path, "it has no manifests");
  if (manifests->get_array().size() > kEntriesMax)
    return damaged(path, "it has too many manifests");

  std::vector<Entry> entries;
  for (const auto& item : manifests->get_array()) {
    auto descriptor = parse_descriptor(item);
    if (!descriptor) return damaged(path, descriptor.error().detail);
    Entry entry{"", std::move(descriptor->media_type), std::move(descriptor->digest),
                descriptor->size};
    if (const auto* annotations = item.get_object().if_contains("annotations");
        annotations != nullptr && annotations->is_object()) {
      const auto* name = annotations->get_object().if_contains(kRefName);
      if (name != nullptr && name->is_string()) entry.reference = name->get_string();
    }
    entries.push_back(std::move(entry));
  }
  return entries;
}

Result<Bytes> Layout::blob(std::string_view digest, std::size_t size) const {
  const auto path = blob_path(digest);
  auto bytes = read_file(path, size);
  if (!bytes && bytes.error().code == Errc::not_found) {
    return fail(
        Errc::corrupt, "artifact.layout",
        fmt::format("blob {} is missing from '{}'. Install or fetch it again", digest, dir_));
  }
  if (!bytes && bytes.error().code != Errc::exhausted) return fail(std::move(bytes).error());
  if (!bytes || bytes->size() != size || digest_of(*bytes) != digest) {
    return fail(Errc::corrupt, "artifact.digest",
                fmt::format("blob {} in '{}' is damaged: its content does not have that digest. "
                            "Install or fetch it again",
                            digest, dir_));
  }
  return std::move(*bytes);
}

Result<Manifest> Layout::manifest_of(const Entry& entry, std::string_view reference) const {
  if (entry.size > kManifestBytesMax) return damaged(dir_, "a manifest is too large");
  TRY(const auto text, blob(entry.digest, entry.size));
  auto document = parse_document(as_text(text));
  if (!document) return damaged(blob_path(entry.digest), document.error().detail);
  if (document->index.empty()) return std::move(document->manifest);

  TRY(const auto chosen, choose(document->index, reference));
  if (chosen.size > kManifestBytesMax) return damaged(dir_, "a manifest is too large");
  TRY(const auto inner, blob(chosen.digest, chosen.size));
  auto manifest = parse_manifest(as_text(inner));
  if (!manifest) return damaged(blob_path(chosen.digest), manifest.error().detail);
  return manifest;
}

std::optional<Kind> Layout::kind_of(const Entry& entry) const {
  const auto manifest = manifest_of(entry, entry.reference);
  if (!manifest) return std::nullopt;
  for (const auto kind : {Kind::actor, Kind::provider}) {
    if (manifest->config.media_type == config_media_type(kind) ||
        manifest->layers.front().media_type == layer_media_type(kind))
      return kind;
  }
  return std::nullopt;
}

Result<Layout::Content> Layout::read(const Reference& reference) const {
  TRY(const auto all, entries());
  const auto entry =
      std::find_if(all.begin(), all.end(), [&](const Entry& e) { return names(e, reference); });
  if (entry == all.end()) {
    return fail(Errc::not_found, "artifact.layout",
                fmt::format("{} is not in '{}'", reference.text, dir_));
  }
  return read(*entry, reference.text);
}

Result<Layout::Content> Layout::read(const Entry& entry, std::string_view reference) const {
  if (std::find(kManifests.begin(), kManifests.end(), entry.media_type) == kManifests.end()) {
    return fail(Errc::invalid, "artifact.media_type",
                fmt::format("{} is of media type '{}', not an image manifest", reference,
                            shown(entry.media_type)));
  }
  TRY(const auto manifest, manifest_of(entry, reference));
  TRY_OK(check_layers(manifest, reference, kArtifactBytesMax));

  Content content{entry.digest, manifest.layers.front().media_type, {}};
  for (const auto& layer : manifest.layers) {
    TRY(auto bytes, blob(layer.digest, layer.size));
    if (content.bytes.empty()) {
      content.bytes = std::move(bytes);
    } else {
      append(content.bytes, bytes);
    }
  }
  return content;
}

Result<void> Layout::write_index(const std::vector<Entry>& entries) const {
  json::array manifests;
  for (const auto& entry : entries) {
    auto item = to_json({entry.media_type, entry.digest, entry.size});
    if (!entry.reference.empty()) {
      item["annotations"] = json::object({{kRefName, entry.reference}});
    }
    manifests.push_back(std::move(item));
  }
  json::object index;
  index["schemaVersion"] = 2;
  index["mediaType"] = kOciIndex;
  index["manifests"] = std::move(manifests);
  return write_file(dir_ + "/index.json", as_bytes(codec::json_pretty(index) + "\n"));
}

// Every blob an entry needs, itself first.
Result<std::vector<Descriptor>> Layout::blobs_of(const Entry& entry) const {
  if (entry.size > kManifestBytesMax) return damaged(dir_, "a manifest is too large");
  std::vector<Descriptor> needed = {{entry.media_type, entry.digest, entry.size}};
  TRY(const auto text, blob(entry.digest, entry.size));
  TRY(auto document, parse_document(as_text(text)));
  for (const auto& item : document.index) {
    // Of the manifests an index names only the one that was wanted need be here.
    const auto inner = blob(item.manifest.digest, item.manifest.size);
    if (!inner) continue;
    needed.push_back(item.manifest);
    TRY(auto manifest, parse_manifest(as_text(*inner)));
    needed.push_back(std::move(manifest.config));
    std::move(manifest.layers.begin(), manifest.layers.end(), std::back_inserter(needed));
  }
  if (document.index.empty()) {
    needed.push_back(std::move(document.manifest.config));
    std::move(document.manifest.layers.begin(), document.manifest.layers.end(),
              std::back_inserter(needed));
  }
  return needed;
}

void Layout::remove_unnamed_blobs(const std::vector<Entry>& entries) const {
  std::set<std::string> named;
  for (const auto& entry : entries) {
    const auto needed = blobs_of(entry);
    // Blobs behind a manifest that cannot be read are not known: then nothing is removed.
    if (!needed) return;
    for (const auto& descriptor : *needed) {
      if (is_digest(descriptor.digest)) named.insert(blob_path(descriptor.digest));
    }
  }
  std::error_code ignored;  // what cannot be removed stays, and harms nobody
  for (const auto& file : fs::directory_iterator(dir_ + "/blobs/sha256", ignored)) {
    if (!named.contains(file.path().string())) fs::remove(file.path(), ignored);
  }
}

Result<std::string> Layout::add(const std::string& reference, std::string_view media_type,
                                std::string_view config_media_type, BytesView bytes) const {
  TRY(const auto parsed, parse_reference(reference));
  if (parsed.kind != Reference::Kind::oci || parsed.tag.empty() || !parsed.digest.empty()) {
    return fail(
        Errc::invalid, "artifact.layout",
        fmt::format("'{}' cannot name an artifact in a layout; registry/name:tag can", reference));
  }
  constexpr std::string_view kEmptyConfig = "{}";
  const Blob config{digest_of(as_bytes(kEmptyConfig)), as_bytes(kEmptyConfig)};
  const Blob layer{digest_of(bytes), bytes};
  Manifest manifest;
  manifest.config = {std::string(config_media_type), config.digest, config.bytes.size()};
  manifest.layers.push_back({std::string(media_type), layer.digest, bytes.size()});
  const auto text = write_manifest(manifest);
  auto digest = digest_of(as_bytes(text));
  const Blob blobs[] = {config, layer, {digest, as_bytes(text)}};
  TRY_OK(store({reference, std::string(kOciManifest), digest, text.size()}, blobs));
  return digest;
}

Result<void> Layout::store(const Entry& entry, std::span<const Blob> blobs) const {
  std::error_code failed;
  fs::create_directories(dir_ + "/blobs/sha256", failed);
  if (failed) {
    return fail(Errc::denied, "artifact.layout",
                fmt::format("Cannot create '{}': {}", dir_, failed.message()));
  }
  TRY(const auto lock, DirectoryLock::take(dir_));
  if (!fs::exists(dir_ + "/oci-layout", failed)) {
    TRY_OK(write_file(dir_ + "/oci-layout", as_bytes("{\"imageLayoutVersion\":\"1.0.0\"}\n")));
  }
  std::vector<Entry> all;
  if (fs::exists(dir_ + "/index.json", failed)) {
    TRY(all, entries());
  }
  for (const auto& blob : blobs) TRY_OK(write_file(blob_path(blob.digest), blob.bytes));
  std::erase_if(all, [&](const Entry& other) { return other.reference == entry.reference; });
  all.push_back(entry);
  std::sort(all.begin(), all.end(),
            [](const Entry& a, const Entry& b) { return a.reference < b.reference; });
  TRY_OK(write_index(all));
  remove_unnamed_blobs(all);
  return {};
}

Result<void> Layout::remove(const Entry& entry) const {
  TRY(const auto lock, DirectoryLock::take(dir_));
  TRY(auto all, entries());
  std::erase_if(all, [&](const Entry& other) {
    return other.reference == entry.reference && other.digest == entry.digest;
  });
  TRY_OK(write_index(all));
  remove_unnamed_blobs(all);
  return {};
}

void Layout::use(const Entry& entry) const {
  std::error_code ignored;  // at worst it is removed earlier than others
  fs::last_write_time(blob_path(entry.digest), fs::file_time_type::clock::now(), ignored);
}

Result<void> Layout::trim(std::size_t bytes_max) const {
  struct Used {
    fs::file_time_type at = fs::file_time_type::min();
    std::size_t size = 0;
    Entry entry;
  };
  TRY(const auto lock, DirectoryLock::take(dir_));
  TRY(const auto all, entries());
  std::vector<Used> newest_first;
  for (const auto& entry : all) {
    const auto needed = blobs_of(entry);
    if (!needed) continue;  // damaged: of no use to anybody
    Used used;
    std::error_code failed;
    const auto at = fs::last_write_time(blob_path(entry.digest), failed);
    if (!failed) used.at = at;
    for (const auto& blob : *needed) used.size += std::min(blob.size, kArtifactBytesMax);
    used.entry = entry;
    newest_first.push_back(std::move(used));
  }
  std::sort(newest_first.begin(), newest_first.end(),
            [](const Used& a, const Used& b) { return a.at > b.at; });
  std::vector<Entry> kept;
  std::size_t total = 0;
  for (auto& used : newest_first) {
    total += used.size;
    if (total > bytes_max || kept.size() == kTrimmedEntriesMax) break;
    kept.push_back(std::move(used.entry));
  }
  if (kept.size() == all.size()) return {};
  TRY_OK(write_index(kept));
  remove_unnamed_blobs(kept);
  return {};
}

}  // namespace trellis::artifact
