#include "capability/host_data.h"

#include <fmt/format.h>

#include <boost/json/array.hpp>

#include "codec/base64.h"
#include "codec/json.h"

namespace trellis::capability {
namespace {

namespace json = codec::json;

constexpr const char* kSite = "capability.host_data";

tl::unexpected<Error> wrong(std::string_view why) {
  return fail(Errc::invalid, kSite, fmt::format("the host's data cannot be read: {}", why));
}

json::object to_object(const std::map<std::string, std::string>& map) {
  json::object object;
  for (const auto& [key, value] : map) object[key] = value;
  return object;
}

Result<void> read_text(const json::object& object, std::string_view key, std::string& into) {
  auto text = codec::json_string(object, key);
  if (!text) return wrong(text.error().detail);
  into = std::move(*text).value_or("");
  return {};
}

Result<std::vector<std::string>> read_texts(const json::object& object, std::string_view key) {
  std::vector<std::string> out;
  const auto* list = object.if_contains(key);
  if (list == nullptr || list->is_null()) return out;
  if (!list->is_array()) return wrong(fmt::format("'{}' should be a list", key));
  for (const auto& each : list->get_array()) {
    if (!each.is_string()) return wrong(fmt::format("'{}' should be a list of text", key));
    out.emplace_back(each.get_string());
  }
  return out;
}

Result<void> read_env(const json::object& object, HostData& data) {
  const auto* values = object.if_contains("env_values");
  if (values == nullptr || values->is_null()) return {};
  if (!values->is_object()) return wrong("'env_values' should be an object");
  for (const auto& [key, value] : values->get_object()) {
    if (!value.is_string()) return wrong("'env_values' should hold text");
    data.env_values[key] = value.get_string();
  }
  return {};
}

Result<void> read_links(const json::object& object, HostData& data) {
  const auto* list = object.if_contains("link_definitions");
  if (list == nullptr || list->is_null()) return {};
  if (!list->is_array()) return wrong("'link_definitions' should be a list");
  for (const auto& each : list->get_array()) {
    if (!each.is_object()) return wrong("'link_definitions' should be a list of objects");
    auto link = lattice::link_from_json(each.get_object(), kSite);
    if (!link) return wrong(link.error().detail);
    data.links.push_back(std::move(*link));
  }
  return {};
}

Result<void> read_numbers(const json::object& object, HostData& data) {
  const auto number = [&](std::string_view key) -> Result<std::uint64_t> {
    auto value = codec::json_uint(object, key);
    if (!value) return wrong(value.error().detail);
    return value->value_or(0);
  };
  TRY(const auto timeout, number("default_rpc_timeout_ms"));
  data.rpc_timeout = std::chrono::milliseconds(timeout);
  TRY(const auto tls, number("lattice_rpc_tls"));
  data.tls = tls != 0;
  for (const char* key : {"structured_logging", "enable_structured_logging"}) {
    auto flag = codec::json_bool(object, key);
    if (!flag) return wrong(flag.error().detail);
    data.structured_logging = data.structured_logging || flag->value_or(false);
  }
  return {};
}

}  // namespace

std::string to_line(const HostData& data) {
  json::array links;
  for (const auto& link : data.links) links.push_back(lattice::to_json(link));
  const json::object object{
      {"host_id", data.host_id},
      {"lattice_rpc_prefix", data.lattice},
      {"link_name", data.link_name},
      {"lattice_rpc_user_jwt", data.user_jwt},
      {"lattice_rpc_user_seed", data.user_seed},
      {"lattice_rpc_url", data.bus_url},
      {"lattice_rpc_tls", data.tls ? 1 : 0},
      {"env_values", to_object(data.env_values)},
      {"instance_id", data.instance_id},
      {"provider_key", data.provider_key},
      {"link_definitions", std::move(links)},
      {"config_json", data.config_json},
      {"default_rpc_timeout_ms", data.rpc_timeout.count()},
      {"cluster_issuers", json::array(data.cluster_issuers.begin(), data.cluster_issuers.end())},
      {"invocation_seed", data.invocation_seed},
      {"js_domain", data.js_domain ? json::value(*data.js_domain) : json::value(nullptr)},
      // The providers of 2022 know it by another name than their hosts.
      {"structured_logging", data.structured_logging},
      {"enable_structured_logging", data.structured_logging}};
  return codec::base64_encode(as_bytes(codec::json_write(object)), codec::Base64::standard) + "\n";
}

Result<HostData> parse_host_data(std::string_view line) {
  const auto is_blank = [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; };
  while (!line.empty() && is_blank(line.front())) line.remove_prefix(1);
  while (!line.empty() && is_blank(line.back())) line.remove_suffix(1);
  if (line.empty()) return wrong("nothing came on stdin; this program is started by a host");
  auto bytes = codec::base64_decode(line, codec::Base64::standard);
  if (!bytes) return wrong("it is not base64");
  auto value = codec::json_parse(as_text(*bytes));
  if (!value || !value->is_object()) return wrong("it is not a JSON object");
  const auto& object = value->get_object();

  HostData data;
  const std::pair<const char*, std::string*> texts[] = {{"host_id", &data.host_id},
                                                        {"lattice_rpc_prefix", &data.lattice},
                                                        {"link_name", &data.link_name},
                                                        {"lattice_rpc_user_jwt", &data.user_jwt},
                                                        {"lattice_rpc_user_seed", &data.user_seed},
                                                        {"lattice_rpc_url", &data.bus_url},
                                                        {"instance_id", &data.instance_id},
                                                        {"provider_key", &data.provider_key},
                                                        {"config_json", &data.config_json},
                                                        {"invocation_seed", &data.invocation_seed}};
  for (const auto& [key, into] : texts) TRY_OK(read_text(object, key, *into));
  for (const auto& [key, text] : texts) {
    const bool needed = text == &data.lattice || text == &data.link_name ||
                        text == &data.provider_key || text == &data.invocation_seed;
    if (needed && text->empty()) return wrong(fmt::format("it has no '{}'", key));
  }
  TRY(data.cluster_issuers, read_texts(object, "cluster_issuers"));
  auto domain = codec::json_string(object, "js_domain");
  if (!domain) return wrong(domain.error().detail);
  data.js_domain = std::move(*domain);
  TRY_OK(read_env(object, data));
  TRY_OK(read_links(object, data));
  TRY_OK(read_numbers(object, data));
  return data;
}

}  // namespace trellis::capability
