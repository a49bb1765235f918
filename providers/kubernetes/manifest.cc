#include "kubernetes/manifest.h"

#include <fmt/format.h>

#include "base/limits.h"
#include "codec/json.h"
#include "codec/yaml.h"
#include "kubernetes/api_json.h"

namespace trellis::kubernetes {
namespace {

namespace json = boost::json;

constexpr const char* kSite = "kubernetes.manifest";
constexpr std::size_t kValuesMax = 200'000;

tl::unexpected<Error> bad(std::string sentence) {
  return fail(Errc::invalid, kSite, std::move(sentence));
}
tl::unexpected<Error> unparsable(std::string_view why) {
  return bad(fmt::format("Unable to parse data as kubernetes object: {}", why));
}

Result<std::string> text_member(const json::object& object, std::string_view key) {
  TRY(const auto text, codec::json_string(object, key));
  return text.value_or("");
}

Result<Manifest> read(json::object object) {
  Manifest manifest;
  TRY(manifest.api_version, text_member(object, "apiVersion"));
  TRY(manifest.kind, text_member(object, "kind"));
  if (manifest.api_version.empty() || manifest.kind.empty())
    return bad("The given manifest does not contain type information");
  const auto* metadata = object.if_contains("metadata");
  if (metadata == nullptr || !metadata->is_object())
    return bad("The given object is missing a name");
  TRY(manifest.name, text_member(metadata->get_object(), "name"));
  if (manifest.name.empty()) return bad("The given object is missing a name");
  TRY(manifest.space, text_member(metadata->get_object(), "namespace"));
  manifest.object = std::move(object);
  return manifest;
}

bool is_list(const json::object& object) {
  const auto* kind = object.if_contains("kind");
  const auto* items = object.if_contains("items");
  return kind != nullptr && kind->is_string() && kind->get_string().ends_with("List") &&
         items != nullptr && items->is_array() && !object.contains("spec");
}

// Comments between two '---' are no documents.
Result<std::vector<json::value>> documents_of(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first != std::string_view::npos && text[first] == '{') {
    if (auto value = parse_json(text); value) {
      std::vector<json::value> one;
      one.push_back(*std::move(value));
      return one;
    }
  }
  return codec::yaml_parse(text, codec::YamlScalars::resolved,
                           {.depth_max = static_cast<int>(limits::kKubernetesDepthMax),
                            .documents_max = 4 * limits::kKubernetesObjectsMax,
                            .values_max = kValuesMax,
                            .unique_keys = true});
}

Result<std::vector<json::object>> objects_of(std::string_view text) {
  auto documents = documents_of(text);
  if (!documents) return unparsable(documents.error().detail);
  std::vector<json::object> objects;
  for (auto& document : *documents) {
    if (document.is_null()) continue;
    if (!document.is_object()) return unparsable("a document is not a map");
    if (!is_list(document.get_object())) {
      objects.push_back(std::move(document.get_object()));
      continue;
    }
    for (auto& item : document.get_object()["items"].get_array()) {
      if (!item.is_object()) return unparsable("an item of a List is not a map");
      objects.push_back(std::move(item.get_object()));
    }
  }
  return objects;
}

}  // namespace

Result<std::vector<Manifest>> parse_manifests(std::string_view text) {
  if (text.size() > limits::kKubernetesManifestBytesMax)
    return unparsable(fmt::format("it has {} bytes, more than {}", text.size(),
                                  limits::kKubernetesManifestBytesMax));
  TRY(auto objects, objects_of(text));
  if (objects.empty()) return unparsable("there is no object in it");
  if (objects.size() > limits::kKubernetesObjectsMax)
    return unparsable(fmt::format("it has {} objects, more than {} at once", objects.size(),
                                  limits::kKubernetesObjectsMax));
  std::vector<Manifest> manifests;
  const auto count = objects.size();
  for (auto& object : objects) {
    auto manifest = read(std::move(object));
    if (!manifest && count > 1)
      return bad(fmt::format("{} (object {} of {})", manifest.error().detail, manifests.size() + 1,
                             count));
    if (!manifest) return fail(manifest.error());
    manifests.push_back(*std::move(manifest));
  }
  return manifests;
}

}  // namespace trellis::kubernetes
