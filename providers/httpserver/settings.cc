#include "httpserver/settings.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <iterator>
#include <sstream>

#include <boost/json/object.hpp>
#define TOML_EXCEPTIONS 0
#include <toml++/toml.h>

#include "codec/base64.h"
#include "codec/json.h"
#include "httpserver/unknown_settings.h"

namespace trellis::httpserver {
namespace {

namespace json = boost::json;

constexpr const char* kSite = "httpserver.settings";
constexpr std::uint64_t kTimeoutMsMax = 3'600'000;
constexpr std::streamsize kConfigFileBytesMax = 1 << 20;

using Values = std::map<std::string, std::string>;  // keys in lower case

auto bad(std::string sentence) { return fail(Errc::invalid, kSite, std::move(sentence)); }

Result<Values> lower_keys(const std::map<std::string, std::string>& values) {
  Values out;
  for (const auto& [key, value] : values) {
    std::string lower = key;
    std::transform(lower.begin(), lower.end(), lower.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    if (!out.emplace(lower, value).second) {
      return bad(
          fmt::format("link value '{}' is given twice in different case; keep one of them", key));
    }
  }
  return out;
}

Result<std::vector<std::string>> strings(const json::value& value, std::string_view key) {
  const auto* list = value.if_array();
  if (list == nullptr) return bad(fmt::format("'{}' must be a list of texts", key));
  std::vector<std::string> out;
  for (const auto& item : *list) {
    if (!item.is_string()) return bad(fmt::format("'{}' must be a list of texts", key));
    out.emplace_back(item.as_string());
  }
  return out;
}

Result<void> merge_cors(const json::object& from, Cors& cors) {
  const std::pair<const char*, std::vector<std::string>*> lists[] = {
      {"allowed_origins", &cors.allowed_origins},
      {"allowed_headers", &cors.allowed_headers},
      {"allowed_methods", &cors.allowed_methods},
      {"exposed_headers", &cors.exposed_headers}};
  for (const auto& [key, list] : lists) {
    const auto* value = from.if_contains(key);
    if (value == nullptr || value->is_null()) continue;
    TRY(*list, strings(*value, key));
  }
  TRY(const auto age, codec::json_uint(from, "max_age_secs"));
  if (age) cors.max_age_secs = *age;
  return {};
}

Result<void> merge_tls(const json::object& from, Settings& settings) {
  TRY(const auto certificate, codec::json_string(from, "cert_file"));
  TRY(const auto key, codec::json_string(from, "priv_key_file"));
  if (certificate.value_or("").empty() != key.value_or("").empty()) {
    return bad("tls needs both cert_file and priv_key_file; only one is given");
  }
  settings.tls_certificate = certificate.value_or("");
  settings.tls_private_key = key.value_or("");
  return {};
}

Result<const json::object*> section(const json::object& from, const char* key) {
  const auto* value = from.if_contains(key);
  if (value == nullptr || value->is_null()) return nullptr;
  if (!value->is_object()) return bad(fmt::format("'{}' must be an object", key));
  return &value->as_object();
}

Result<void> merge(const json::object& from, Settings& settings) {
  TRY(const auto address, codec::json_string(from, "address"));
  if (address) settings.address = *address;
  TRY(const auto* tls, section(from, "tls"));
  if (tls != nullptr) TRY_OK(merge_tls(*tls, settings));
  TRY(const auto* cors, section(from, "cors"));
  if (cors != nullptr) TRY_OK(merge_cors(*cors, settings.cors));
  TRY(const auto* log, section(from, "log"));
  if (log != nullptr) {
    TRY(const auto level, codec::json_string(*log, "log_level"));
    if (level) settings.log_level = *level;
  }
  TRY(const auto timeout, codec::json_uint(from, "timeout_ms"));
  if (timeout) {
    if (*timeout == 0 || *timeout > kTimeoutMsMax) {
      return bad(fmt::format("timeout_ms must be 1 to {}, not {}", kTimeoutMsMax, *timeout));
    }
    settings.timeout = std::chrono::milliseconds(*timeout);
  }
  return {};
}

Result<void> merge_json(std::string_view text, std::string_view source, Settings& settings) {
  auto value = codec::json_parse(text);
  if (!value) return bad(fmt::format("{} is not valid JSON: {}", source, value.error().detail));
  if (!value->is_object()) return bad(fmt::format("{} must be a JSON object", source));
  for (auto& name : unknown_members(value->as_object(), std::string(source)))
    settings.unknown.push_back(std::move(name));
  return merge(value->as_object(), settings);
}

Result<std::string> read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return bad(fmt::format("config_file '{}' cannot be read", path));
  std::string text(static_cast<std::size_t>(kConfigFileBytesMax) + 1, '\0');
  file.read(text.data(), kConfigFileBytesMax + 1);
  if (file.gcount() > kConfigFileBytesMax)
    return bad(fmt::format("config_file '{}' is over 1 MiB", path));
  text.resize(static_cast<std::size_t>(file.gcount()));
  return text;
}

Result<void> merge_file(const std::string& path, Settings& settings) {
  TRY(const std::string text, read_file(path));
  if (!path.ends_with(".toml"))
    return merge_json(text, fmt::format("config_file '{}'", path), settings);
  auto table = toml::parse(text);
  if (!table) {
    return bad(
        fmt::format("config_file '{}' is not valid TOML: {}", path, table.error().description()));
  }
  std::ostringstream as_json;
  as_json << toml::json_formatter(table.table());
  return merge_json(as_json.str(), fmt::format("config_file '{}'", path), settings);
}

Result<void> check_address(const std::string& address) {
  const auto colon = address.rfind(':');
  unsigned port = 0;
  const char* end = address.data() + address.size();
  if (colon == std::string::npos || colon == 0 || colon + 1 == address.size() ||
      std::from_chars(address.data() + colon + 1, end, port).ptr != end || port > 65535) {
    return bad(
        fmt::format("address '{}' is not of the form ip:port, for example 0.0.0.0:8080", address));
  }
  return {};
}

}  // namespace

Result<Settings> parse_settings(const std::map<std::string, std::string>& given) {
  TRY(const Values values, lower_keys(given));
  const auto get = [&](const char* key) -> const std::string* {
    const auto found = values.find(key);
    return found == values.end() ? nullptr : &found->second;
  };
  Settings settings;
  settings.unknown = unknown_values(given);
  if (const auto* path = get("config_file")) TRY_OK(merge_file(*path, settings));
  if (const auto* encoded = get("config_b64")) {
    auto bytes = codec::base64_decode(*encoded, codec::Base64::standard);
    if (!bytes) return bad(fmt::format("config_b64 is not base64: {}", bytes.error().detail));
    TRY_OK(merge_json(as_text(*bytes), "config_b64", settings));
  }
  if (const auto* text = get("config_json")) TRY_OK(merge_json(*text, "config_json", settings));
  if (const auto* address = get("address")) settings.address = *address;
  if (const auto* text = get("port")) {
    unsigned port = 0;
    const auto end = text->data() + text->size();
    if (std::from_chars(text->data(), end, port).ptr != end || text->empty() || port > 65535) {
      return bad(fmt::format("port '{}' is not a number from 0 to 65535", *text));
    }
    settings.address = fmt::format("127.0.0.1:{}", port);
  }
  TRY_OK(check_address(settings.address));
  return settings;
}

}  // namespace trellis::httpserver
