#include "artifact/layout.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "artifact/digest.h"
#include "artifact/file_io.h"
#include "artifact/manifest.h"
#include "artifact/media_types.h"
#include "codec/json.h"

namespace trellis::artifact {
namespace {

namespace json = codec::json;
namespace fs = std::filesystem;

constexpr std::size_t kEntriesMax = 100'000;

tl::unexpected<Error> damaged(const std::string& where, std::string_view why) {
  return fail(Errc::corrupt, "artifact.layout",
              fmt::format("'{}' is damaged: {}. Install or fetch it again", where, why));
}

// Held while one process changes a layout, so that two do not lose each other's entries.
class DirectoryLock {
 public:
  explicit DirectoryLock(const std::string& dir)
      : fd_(::open(dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
    if (fd_ >= 0) ::flock(fd_, LOCK_EX);
  }
  DirectoryLock(const DirectoryLock&) = delete;
  DirectoryLock& operator=(const DirectoryLock&) = delete;
  ~DirectoryLock() {
    if (fd_ >= 0) ::close(fd_);
  }

 private:
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

Result<Layout::Content> Layout::read(const Reference& reference) const {
  TRY(const auto all, entries());
  const auto entry =
      std::find_if(all.begin(), all.end(), [&](const Entry& e) { return names(e, reference); });
  if (entry == all.end()) {
    return fail(Errc::not_found, "artifact.layout",
                fmt::format("{} is not in '{}'", reference.text, dir_));
  }
  if (entry->media_type != kOciManifest && entry->media_type != kDockerManifest) {
    return fail(Errc::invalid, "artifact.media_type",
                fmt::format("{} is of media type '{}', not an image manifest", reference.text,
                            entry->media_type));
  }
  if (entry->size > kManifestBytesMax) return damaged(dir_, "a manifest is too large");
  TRY(const auto text, blob(entry->digest, entry->size));
  const auto manifest = parse_manifest(as_text(text));
  if (!manifest) return damaged(blob_path(entry->digest), manifest.error().detail);
  TRY_OK(check_layers(*manifest, reference.text, kArtifactBytesMax));

  Content content{entry->digest, manifest->layers.front().media_type, {}};
  for (const auto& layer : manifest->layers) {
    TRY(auto bytes, blob(layer.digest, layer.size));
    if (content.bytes.empty()) {
      content.bytes = std::move(bytes);
    } else {
      append(content.bytes, bytes);
    }
  }
  return content;
}

Result<std::string> Layout::put_blob(BytesView bytes) const {
  auto digest = digest_of(bytes);
  TRY_OK(write_file(blob_path(digest), bytes));
  return digest;
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

void Layout::remove_unnamed_blobs(const std::vector<Entry>& entries) const {
  std::set<std::string> named;
  for (const auto& entry : entries) {
    named.insert(blob_path(entry.digest));
    const auto text = blob(entry.digest, entry.size);
    const auto manifest = text ? parse_manifest(as_text(*text)) : fail(text.error());
    // Blobs behind a manifest that cannot be read are not known: then nothing is removed.
    if (!manifest) return;
    named.insert(blob_path(manifest->config.digest));
    for (const auto& layer : manifest->layers) named.insert(blob_path(layer.digest));
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
  std::error_code failed;
  fs::create_directories(dir_ + "/blobs/sha256", failed);
  if (failed) {
    return fail(Errc::denied, "artifact.layout",
                fmt::format("Cannot create '{}': {}", dir_, failed.message()));
  }
  const DirectoryLock lock(dir_);
  std::vector<Entry> all;
  if (fs::exists(dir_ + "/index.json", failed)) {
    TRY(all, entries());
  } else {
    TRY_OK(write_file(dir_ + "/oci-layout", as_bytes("{\"imageLayoutVersion\":\"1.0.0\"}\n")));
  }

  constexpr std::string_view kEmptyConfig = "{}";
  Manifest manifest;
  TRY(auto config, put_blob(as_bytes(kEmptyConfig)));
  manifest.config = {std::string(config_media_type), std::move(config), kEmptyConfig.size()};
  TRY(auto layer, put_blob(bytes));
  manifest.layers.push_back({std::string(media_type), std::move(layer), bytes.size()});
  const auto text = write_manifest(manifest);
  TRY(auto digest, put_blob(as_bytes(text)));

  std::erase_if(all, [&](const Entry& entry) { return entry.reference == reference; });
  all.push_back({reference, std::string(kOciManifest), digest, text.size()});
  std::sort(all.begin(), all.end(),
            [](const Entry& a, const Entry& b) { return a.reference < b.reference; });
  TRY_OK(write_index(all));
  remove_unnamed_blobs(all);
  return digest;
}

}  // namespace trellis::artifact
