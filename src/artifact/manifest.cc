#include "artifact/manifest.h"

#include <fmt/format.h>

#include <algorithm>

#include "artifact/media_types.h"
#include "artifact/reference.h"

namespace trellis::artifact {
namespace {

namespace json = codec::json;
constexpr std::size_t kLayersMax = 64;

tl::unexpected<Error> damaged(std::string why) {
  return fail(Errc::corrupt, "artifact.manifest", std::move(why));
}

}  // namespace

Result<Descriptor> parse_descriptor(const json::value& value) {
  const auto* object = value.if_object();
  if (object == nullptr) return damaged("a descriptor is not an object");
  TRY(auto media_type, codec::json_string(*object, "mediaType"));
  TRY(auto digest, codec::json_string(*object, "digest"));
  TRY(auto size, codec::json_uint(*object, "size"));
  if (!digest || !is_digest(*digest)) {
    return damaged(fmt::format("'{}' is not a sha256 digest", digest.value_or("")));
  }
  if (!size) return damaged(fmt::format("the descriptor of {} has no size", *digest));
  return Descriptor{media_type.value_or(""), *digest, static_cast<std::size_t>(*size)};
}

Result<Manifest> parse_manifest(std::string_view text) {
  TRY(const auto value, codec::json_parse(text));
  const auto* object = value.if_object();
  if (object == nullptr) return damaged("a manifest is not a JSON object");
  Manifest manifest;
  if (const auto* config = object->if_contains("config")) {
    TRY(manifest.config, parse_descriptor(*config));
  }
  const auto* layers = object->if_contains("layers");
  if (layers == nullptr || !layers->is_array() || layers->get_array().empty()) {
    return damaged("a manifest has no layers");
  }
  if (layers->get_array().size() > kLayersMax) {
    return damaged(fmt::format("a manifest has more than {} layers", kLayersMax));
  }
  for (const auto& layer : layers->get_array()) {
    TRY(auto descriptor, parse_descriptor(layer));
    manifest.layers.push_back(std::move(descriptor));
  }
  return manifest;
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
                      reference, layer.media_type));
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
