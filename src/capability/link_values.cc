#include "capability/link_values.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "base/bytes.h"
#include "codec/base64.h"
#include "codec/json.h"

namespace trellis::capability {
namespace {

namespace json = boost::json;

constexpr const char* kSite = "link.values";

tl::unexpected<Error> bad(std::string sentence) {
  return fail(Errc::invalid, kSite, std::move(sentence));
}

char lower(char c) { return static_cast<char>(std::tolower(static_cast<unsigned char>(c))); }

Result<json::object> parse_object(std::string_view text, std::string_view source) {
  auto value = codec::json_parse(text);
  if (!value) return bad(fmt::format("{} is not valid JSON: {}", source, value.error().detail));
  if (!value->is_object()) return bad(fmt::format("{} must be a JSON object", source));
  return std::move(value->as_object());
}

}  // namespace

bool same_ignoring_case(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return lower(x) == lower(y); });
}

Result<LinkValues> LinkValues::read(const lattice::Link& link) {
  LinkValues read;
  for (const auto& [key, value] : link.values) {
    std::string lower_key = key;
    std::transform(key.begin(), key.end(), lower_key.begin(), lower);
    if (!read.values_.emplace(std::move(lower_key), value).second) {
      return bad(
          fmt::format("link value '{}' is given twice in different case; keep one of them", key));
    }
  }
  if (const auto* encoded = read.find("config_b64")) {
    const auto bytes = codec::base64_decode(*encoded, codec::Base64::standard);
    if (!bytes) return bad(fmt::format("config_b64 is not base64: {}", bytes.error().detail));
    TRY(read.config_, parse_object(as_text(*bytes), "config_b64"));
  } else if (const auto* text = read.find("config_json")) {
    TRY(read.config_, parse_object(*text, "config_json"));
  }
  return read;
}

const std::string* LinkValues::find(std::string_view lower_key) const {
  const auto found = values_.find(lower_key);
  return found == values_.end() ? nullptr : &found->second;
}

std::string warning_about_unknown(const lattice::Link& link,
                                  std::initializer_list<std::string_view> known) {
  std::string unknown;
  for (const auto& value : link.values) {
    const auto same = [&](std::string_view name) { return same_ignoring_case(name, value.first); };
    if (std::none_of(known.begin(), known.end(), same)) {
      unknown += fmt::format("{}'{}'", unknown.empty() ? "" : ", ", value.first);
    }
  }
  if (unknown.empty()) return {};
  return fmt::format("link value {} means nothing to this provider and is ignored; it knows {}",
                     unknown, fmt::join(known.begin(), known.end(), ", "));
}

Result<json::object> provider_config(std::string_view config_json) {
  if (config_json.find_first_not_of(" \t\r\n") == std::string_view::npos) return json::object{};
  return parse_object(config_json, "the provider's configuration");
}

std::vector<std::string> comma_list(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r\n";
  std::vector<std::string> out;
  while (!text.empty()) {
    const auto comma = std::min(text.find(','), text.size());
    auto one = text.substr(0, comma);
    text.remove_prefix(std::min(comma + 1, text.size()));
    const auto first = one.find_first_not_of(kBlanks);
    if (first == std::string_view::npos) continue;
    out.emplace_back(one.substr(first, one.find_last_not_of(kBlanks) + 1 - first));
  }
  return out;
}

Result<std::vector<std::string>> string_list(const json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  std::vector<std::string> out;
  if (value == nullptr || value->is_null()) return out;
  const auto* list = value->if_array();
  for (std::size_t i = 0; list != nullptr && i < list->size(); ++i) {
    const auto* text = list->at(i).if_string();
    if (text == nullptr) return bad(fmt::format("'{}' must be a list of texts", key));
    out.emplace_back(*text);
  }
  if (list == nullptr) return bad(fmt::format("'{}' must be a list of texts", key));
  return out;
}

}  // namespace trellis::capability
