#include "artifact/manifest.h"

#include <fmt/format.h>

#include <algorithm>

#include "artifact/foreign_text.h"
#include "artifact/media_types.h"
#include "artifact/reference.h"

namespace trellis::artifact {
namespace {

namespace json = codec::json;
constexpr std::size_t kLayersMax = 64;
constexpr std::size_t kIndexEntriesMax = 256;

#if defined(__x86_64__)
constexpr std::string_view kArchitecture = "amd64";
#elif defined(__aarch64__)
constexpr std::string_view kArchitecture = "arm64";
#else
#error "tell what OCI calls this processor"
#endif

tl::unexpected<Error> damaged(std::string why) {
  return fail(Errc::corrupt, "artifact.manifest", std::move(why));
}

Result<std::vector<Descriptor>> parse_layers(const json::value& value) {
  const auto* list = value.if_array();
  if (list == nullptr || list->empty()) return damaged("a manifest has no layers");
  if (list->size() > kLayersMax) {
    return damaged(fmt::format("a manifest has more than {} layers", kLayersMax));
  }
  std::vector<Descriptor> layers;
  for (const auto& layer : *list) {
    TRY(auto descriptor, parse_descriptor(layer));
    layers.push_back(std::move(descriptor));
  }
  return layers;
}

// Annotations that are not text say nothing to us.
std::map<std::string, std::string> texts_of(const json::object& object, std::string_view key) {
  std::map<std::string, std::string> texts;
  const auto* member = object.if_contains(key);
  if (member == nullptr || !member->is_object()) return texts;
  for (const auto& [name, value] : member->get_object()) {
    if (value.is_string()) texts.emplace(name, value.get_string());
  }
  return texts;
}

Result<IndexEntry> parse_entry(const json::value& value) {
  TRY(auto descriptor, parse_descriptor(value));
  const auto& object = value.get_object();
  auto platform = texts_of(object, "platform");
  const auto annotations = texts_of(object, "annotations");
  const auto type = annotations.find("vnd.docker.reference.type");
  IndexEntry entry;
  entry.manifest = std::move(descriptor);
  entry.os = platform["os"];
  entry.architecture = platform["architecture"];
  entry.is_attestation = type != annotations.end() && type->second == "attestation-manifest";
  return entry;
}

Result<std::vector<IndexEntry>> parse_entries(const json::value& value) {
  const auto* list = value.if_array();
  if (list == nullptr || list->empty()) return damaged("an index has no manifests");
  if (list->size() > kIndexEntriesMax) {
    return damaged(fmt::format("an index has more than {} manifests", kIndexEntriesMax));
  }
  std::vector<IndexEntry> entries;
  for (const auto& item : *list) {
    TRY(auto entry, parse_entry(item));
    entries.push_back(std::move(entry));
  }
  return entries;
}

}  // namespace

Result<Descriptor> parse_descriptor(const json::value& value) {
  const auto* object = value.if_object();
  if (object == nullptr) return damaged("a descriptor is not an object");
  TRY(auto media_type, codec::json_string(*object, "mediaType"));
  TRY(auto digest, codec::json_string(*object, "digest"));
  TRY(auto size, codec::json_uint(*object, "size"));
  if (!digest || !is_digest(*digest)) {
    return damaged(fmt::format("'{}' is not a sha256 digest", shown(digest.value_or(""), 80)));
  }
  if (!size) return damaged(fmt::format("the descriptor of {} has no size", *digest));
  return Descriptor{media_type.value_or(""), *digest, static_cast<std::size_t>(*size)};
}

Result<Document> parse_document(std::string_view text) {
  const auto value = codec::json_parse(text);
  const auto* object = value ? value->if_object() : nullptr;
  if (object == nullptr) return damaged("a manifest is not a JSON object");
  const auto* layers = object->if_contains("layers");
  const auto* manifests = object->if_contains("manifests");
  // One reader would take it for the one, another for the other: CVE-2021-41190.
  if (layers != nullptr && manifests != nullptr) {
    return damaged("a manifest has both layers and manifests, so that it could mean two things");
  }
  Document document;
  if (manifests != nullptr) {
    TRY(document.index, parse_entries(*manifests));
    return document;
  }
  if (layers == nullptr) {
    return damaged(object->contains("fsLayers")
                       ? "it is an image manifest of schema 1, which is no longer in use"
                       : "a manifest has no layers");
  }
  if (const auto* config = object->if_contains("config")) {
    TRY(document.manifest.config, parse_descriptor(*config));
  }
  TRY(document.manifest.layers, parse_layers(*layers));
  document.manifest.annotations = texts_of(*object, "annotations");
  return document;
}

Result<Manifest> parse_manifest(std::string_view text) {
  TRY(auto document, parse_document(text));
  if (!document.index.empty()) return damaged("it is an index where a manifest belongs");
  return std::move(document.manifest);
}

Result<Descriptor> choose(const std::vector<IndexEntry>& index, std::string_view reference) {
  std::vector<const IndexEntry*> runnable;
  for (const auto& entry : index) {
    if (!entry.is_attestation) runnable.push_back(&entry);
  }
  if (runnable.size() == 1) return runnable.front()->manifest;
  const auto first = [&](auto&& fits) {
    const auto found = std::find_if(runnable.begin(), runnable.end(), fits);
    return found == runnable.end() ? nullptr : *found;
  };
  if (const auto* wasm =
          first([](const IndexEntry* entry) { return entry->architecture == "wasm"; })) {
    return wasm->manifest;
  }
  if (const auto* native = first([](const IndexEntry* entry) {
        return entry->os == "linux" && entry->architecture == kArchitecture;
      })) {
    return native->manifest;
  }
  return fail(Errc::invalid, "artifact.index",
              fmt::format("{} is an index of {} manifests, none of them for Wasm or for linux/{}. "
                          "Name the one that is meant by its digest: …@sha256:…",
                          reference, runnable.size(), kArchitecture));
}

json::object to_json(const Descriptor& descriptor) {
  json::object object;
  object["mediaType"] = descriptor.media_type;
  object["digest"] = descriptor.digest;
  object["size"] = descriptor.size;
  return object;
}

std::string write_manifest(const Manifest& manifest) {
  json::array layers;
  for (const auto& layer : manifest.layers) layers.push_back(to_json(layer));
  json::object object;
  object["schemaVersion"] = 2;
  object["mediaType"] = kOciManifest;
  object["config"] = to_json(manifest.config);
  object["layers"] = std::move(layers);
  if (!manifest.annotations.empty()) {
    json::object annotations;
    for (const auto& [name, text] : manifest.annotations) annotations[name] = text;
    object["annotations"] = std::move(annotations);
  }
  return codec::json_write(object);
}

Result<void> check_layers(const Manifest& manifest, std::string_view reference,
                          std::size_t bytes_max) {
  std::size_t total = 0;
  for (const auto& layer : manifest.layers) {
    if (std::find(kAcceptedLayers.begin(), kAcceptedLayers.end(), layer.media_type) ==
        kAcceptedLayers.end()) {
      return fail(
          Errc::invalid, "artifact.media_type",
          fmt::format("{} is neither an actor nor a provider archive: it has a layer of media type "
                      "'{}'",
                      reference, shown(layer.media_type)));
    }
    if (layer.size > bytes_max - total) {
      return fail(Errc::exhausted, "artifact.size",
                  fmt::format("{} is larger than {} bytes, the most that is accepted", reference,
                              bytes_max));
    }
    total += layer.size;
  }
  return {};
}

}  // namespace trellis::artifact
