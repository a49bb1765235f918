#include "control/manifest.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <set>
#include <tuple>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "base/nearest.h"
#include "claims/nkey.h"
#include "codec/json.h"
#include "codec/yaml.h"

namespace trellis::control {
namespace {

using boost::json::object;
using Names = std::vector<std::string>;

constexpr const char* kSite = "control.manifest";

tl::unexpected<Error> wrong(std::string detail) {
  return fail(Errc::invalid, kSite, std::move(detail));
}

// Reads the value of a whole manifest; knows on which line each part of it stands.
class Reader {
 public:
  Reader(const ManifestRules& rules, codec::YamlLines lines)
      : rules_(rules), lines_(std::move(lines)) {}

  Result<Manifest> read(const object& fields) {
    Manifest manifest;
    TRY_OK(check_members(fields, "", {"actors", "capabilities", "links", "labels"}));
    if (rules_.strict && fields.contains("labels"))
      return at("/labels", "a host has its labels from HOST_<name>=<value>, not from its manifest");
    TRY_OK(each(fields, "actors", [&](const auto& value, const std::string& path) {
      return read_actor(value, path, manifest);
    }));
    TRY_OK(each(fields, "capabilities", [&](const auto& value, const std::string& path) {
      return read_capability(value, path, manifest);
    }));
    TRY_OK(each(fields, "links", [&](const auto& value, const std::string& path) {
      return read_link(value, path, manifest);
    }));
    return manifest;
  }

 private:
  std::size_t line_of(const std::string& path) const {
    const auto found = lines_.find(path);
    return found == lines_.end() ? 0 : found->second;
  }
  tl::unexpected<Error> at(const std::string& path, std::string_view what) const {
    return wrong(fmt::format("line {}: {}", line_of(path), what));
  }

  // Calls `read` with each element of a list, and its path; a list that is absent has none.
  template <class Read>
  Result<void> each(const object& fields, const char* key, Read read) {
    const auto* value = fields.if_contains(key);
    if (value == nullptr || value->is_null()) return {};
    const auto path = fmt::format("/{}", key);
    if (!value->is_array()) return at(path, fmt::format("`{}` must be a list", key));
    std::size_t index = 0;
    for (const auto& element : value->get_array())
      TRY_OK(read(element, fmt::format("{}/{}", path, index++)));
    return {};
  }

  Result<void> check_members(const object& entry, const std::string& path, const Names& known) {
    if (!rules_.strict) return {};
    for (const auto& [key, value] : entry) {
      const std::string name(key);
      if (std::find(known.begin(), known.end(), name) != known.end()) continue;
      const auto meant = nearest(name, known);
      return at(path + "/" + name,
                fmt::format("`{}` means nothing here; {}", name,
                            meant.empty() ? fmt::format("there are {}", fmt::join(known, ", "))
                                          : fmt::format("did you mean `{}`?", meant)));
    }
    return {};
  }

  Result<std::string> text_of(const object& entry, const std::string& path, const char* list,
                              const char* key, std::optional<std::string> otherwise = {}) {
    Result<std::optional<std::string>> text = codec::json_string(entry, key);
    if (!text) return at(path, fmt::format("in `{}`: {}", list, text.error().detail));
    if (*text) return std::move(**text);
    if (otherwise) return std::move(*otherwise);
    return at(path, fmt::format("an entry of `{}` has no `{}`", list, key));
  }

  template <class T>
  Result<void> only_once(std::set<T>& seen, T thing, const std::string& path,
                         const std::string& what) {
    if (!rules_.strict || seen.insert(std::move(thing)).second) return {};
    return at(path, fmt::format("{} is here twice; take one away", what));
  }

  Result<void> read_actor(const boost::json::value& value, const std::string& path,
                          Manifest& manifest) {
    ManifestActor actor;
    actor.line = line_of(path);
    if (value.is_string()) {
      actor.image_ref = value.get_string();
    } else if (value.is_object()) {
      const auto& entry = value.get_object();
      TRY_OK(check_members(entry, path, {"image_ref", "count"}));
      TRY(actor.image_ref, text_of(entry, path, "actors", "image_ref"));
      TRY(const auto count, text_of(entry, path, "actors", "count", "1"));
      const auto* end = count.data() + count.size();
      const auto [stop, error] = std::from_chars(count.data(), end, actor.count);
      if (error != std::errc{} || stop != end || actor.count == 0)
        return at(path + "/count",
                  fmt::format("count: '{}' is not a number from 1 to 65535", count));
    } else {
      return at(path,
                "`actors` must be a list of references, or of maps with `image_ref` and `count`");
    }
    TRY_OK(only_once(actors_, actor.image_ref, path, fmt::format("actor {}", actor.image_ref)));
    manifest.actors.push_back(std::move(actor));
    return {};
  }

  Result<void> read_capability(const boost::json::value& value, const std::string& path,
                               Manifest& manifest) {
    if (!value.is_object())
      return at(path, "`capabilities` must be a list of maps with an `image_ref`");
    const auto& entry = value.get_object();
    TRY_OK(check_members(entry, path, {"image_ref", "link_name"}));
    ManifestCapability capability;
    capability.line = line_of(path);
    TRY(capability.image_ref, text_of(entry, path, "capabilities", "image_ref"));
    TRY(capability.link_name, text_of(entry, path, "capabilities", "link_name", "default"));
    TRY_OK(only_once(
        capabilities_, std::pair(capability.image_ref, capability.link_name), path,
        fmt::format("provider {} with link name {}", capability.image_ref, capability.link_name)));
    manifest.capabilities.push_back(std::move(capability));
    return {};
  }

  Result<void> read_link(const boost::json::value& value, const std::string& path,
                         Manifest& manifest) {
    if (!value.is_object()) return at(path, "`links` must be a list of maps");
    const auto& entry = value.get_object();
    TRY_OK(
        check_members(entry, path, {"actor", "provider_id", "contract_id", "link_name", "values"}));
    ManifestLink read;
    read.line = line_of(path);
    auto& link = read.definition;
    TRY(link.actor_id, text_of(entry, path, "links", "actor"));
    TRY(link.contract_id, text_of(entry, path, "links", "contract_id"));
    TRY(link.provider_id, text_of(entry, path, "links", "provider_id"));
    TRY(link.link_name, text_of(entry, path, "links", "link_name", "default"));
    TRY(link.values, values_of(entry, path + "/values"));
    TRY_OK(check_key(path + "/actor", "actor", link.actor_id, claims::KeyType::module));
    TRY_OK(check_key(path + "/provider_id", "provider_id", link.provider_id,
                     claims::KeyType::service));
    TRY_OK(only_once(links_, std::tuple(link.actor_id, link.contract_id, link.link_name), path,
                     fmt::format("the link of {} under {} ({})", link.actor_id, link.contract_id,
                                 link.link_name)));
    manifest.links.push_back(std::move(read));
    return {};
  }

  Result<void> check_key(const std::string& path, const char* name, const std::string& key,
                         claims::KeyType type) {
    if (!rules_.strict) return {};
    const auto parsed = claims::PublicKey::parse(key, type);
    if (parsed) return {};
    return at(path, fmt::format("{}: '{}' is not a public key of the form {}… (56 characters): {}",
                                name, key, static_cast<char>(type), parsed.error().detail));
  }

  Result<StringMap> values_of(const object& entry, const std::string& path) {
    StringMap values;
    const auto* given = entry.if_contains("values");
    if (given == nullptr || given->is_null()) return values;
    if (!given->is_object()) return at(path, "`values` of a link must be a map");
    for (const auto& [key, value] : given->get_object()) {
      TRY(values[std::string(key)], value_of(key, value, path + "/" + std::string(key)));
    }
    return values;
  }

  Result<std::string> value_of(std::string_view key, const boost::json::value& value,
                               const std::string& path) {
    if (value.is_string()) return std::string(value.get_string());
    if (value.is_null()) return std::string();
    if (!value.is_array() && !value.is_object()) return codec::json_write(value);
    const auto* file = value.is_object() && value.get_object().size() == 1
                           ? value.get_object().if_contains("file")
                           : nullptr;
    if (file == nullptr || !file->is_string() || !rules_.read_file)
      return at(path, fmt::format("the value `{}` of a link must be plain text{}", key,
                                  rules_.read_file ? ", or a map {file: /path}" : ""));
    auto text = rules_.read_file(std::string(file->get_string()));
    if (!text)
      return at(path, fmt::format("the value `{}` of a link: {}", key, text.error().detail));
    if (text->ends_with('\n')) text->pop_back();
    if (text->ends_with('\r')) text->pop_back();
    return text;
  }

  const ManifestRules& rules_;
  const codec::YamlLines lines_;
  std::set<std::string> actors_;
  std::set<std::pair<std::string, std::string>> capabilities_;
  std::set<std::tuple<std::string, std::string, std::string>> links_;
};

}  // namespace

Result<Manifest> parse_manifest(std::string_view text, const ManifestRules& rules) {
  codec::YamlLines lines;
  TRY(auto documents,
      codec::yaml_parse(text, codec::YamlScalars::text, {.unique_keys = rules.strict}, &lines));
  if (documents.empty() || !documents.front().is_object())
    return wrong("it must be a map with `actors`, `capabilities` and `links`");
  const auto more = std::find_if(documents.begin() + 1, documents.end(),
                                 [](const auto& document) { return !document.is_null(); });
  if (rules.strict && more != documents.end())
    return wrong(
        "there is more than one document in it (`---`), of which only the first would be "
        "read; make it one");
  return Reader(rules, std::move(lines)).read(documents.front().get_object());
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

}  // namespace trellis::control
