#include "manifest.h"

#include <fmt/format.h>

#include <cctype>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "codec/json.h"
#include "codec/yaml.h"

namespace trellis::wash {
namespace {

using boost::json::object;

tl::unexpected<Error> wrong(std::string detail) {
  return fail(Errc::invalid, "wash.manifest", std::move(detail));
}

// The members of a list; none when it is absent.
Result<boost::json::array> list_of(const object& manifest, const char* key) {
  const boost::json::value* value = manifest.if_contains(key);
  if (value == nullptr || value->is_null()) return boost::json::array{};
  if (!value->is_array()) return wrong(fmt::format("`{}` must be a list", key));
  return value->get_array();
}

Result<std::string> text_of(const object& entry, const char* list, const char* key,
                            std::optional<std::string> otherwise = std::nullopt) {
  Result<std::optional<std::string>> text = codec::json_string(entry, key);
  if (!text) return wrong(fmt::format("in `{}`: {}", list, text.error().detail));
  if (*text) return std::move(**text);
  if (otherwise) return std::move(*otherwise);
  return wrong(fmt::format("an entry of `{}` has no `{}`", list, key));
}

Result<control::StringMap> values_of(const object& entry) {
  control::StringMap values;
  const boost::json::value* given = entry.if_contains("values");
  if (given == nullptr || given->is_null()) return values;
  if (!given->is_object()) return wrong("`values` of a link must be a map");
  for (const auto& [key, value] : given->get_object()) {
    if (value.is_array() || value.is_object())
      return wrong(fmt::format("the value `{}` of a link must be plain text", key));
    values[std::string(key)] = value.is_string() ? std::string(value.get_string())
                               : value.is_null() ? std::string()
                                                 : codec::json_write(value);
  }
  return values;
}

Result<control::LinkDefinition> link_of(const object& entry) {
  control::LinkDefinition link;
  TRY(link.actor_id, text_of(entry, "links", "actor"));
  TRY(link.contract_id, text_of(entry, "links", "contract_id"));
  TRY(link.provider_id, text_of(entry, "links", "provider_id"));
  TRY(link.link_name, text_of(entry, "links", "link_name", "default"));
  TRY(link.values, values_of(entry));
  return link;
}

Result<Manifest> read_manifest(const object& fields) {
  Manifest manifest;
  TRY(boost::json::array actors, list_of(fields, "actors"));
  for (const boost::json::value& actor : actors) {
    if (!actor.is_string()) return wrong("`actors` must be a list of references");
    manifest.actors.emplace_back(actor.get_string());
  }
  TRY(boost::json::array capabilities, list_of(fields, "capabilities"));
  for (const boost::json::value& each : capabilities) {
    if (!each.is_object())
      return wrong("`capabilities` must be a list of maps with an `image_ref`");
    ManifestCapability& capability = manifest.capabilities.emplace_back();
    TRY(capability.image_ref, text_of(each.get_object(), "capabilities", "image_ref"));
    TRY(capability.link_name, text_of(each.get_object(), "capabilities", "link_name", "default"));
  }
  TRY(boost::json::array links, list_of(fields, "links"));
  for (const boost::json::value& each : links) {
    if (!each.is_object()) return wrong("`links` must be a list of maps");
    TRY(control::LinkDefinition link, link_of(each.get_object()));
    manifest.links.push_back(std::move(link));
  }
  return manifest;
}

}  // namespace

Result<Manifest> parse_manifest(std::string_view text) {
  TRY(boost::json::value value, codec::parse_yaml(text));
  if (!value.is_object())
    return wrong("it must be a map with `actors`, `capabilities` and `links`");
  return read_manifest(value.get_object());
}

Result<std::string> expand_variables(std::string_view text, const Variables& variables) {
  std::string expanded;
  while (true) {
    std::size_t begin = text.find("${");
    std::size_t end = begin == std::string_view::npos ? begin : text.find('}', begin);
    if (end == std::string_view::npos) return expanded.append(text);
    expanded.append(text.substr(0, begin));
    std::string_view inner = text.substr(begin + 2, end - begin - 2);
    std::size_t colon = inner.find(':');
    std::string name(inner.substr(0, colon));
    std::optional<std::string> value = variables(name);
    if (!value && colon == std::string_view::npos)
      return wrong(
          fmt::format("the variable {} is not set and ${{{}}} gives no default", name, name));
    expanded.append(value ? *value : std::string(inner.substr(colon + 1)));
    text.remove_prefix(end + 1);
  }
}

}  // namespace trellis::wash
