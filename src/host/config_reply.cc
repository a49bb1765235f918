#include "host/config_reply.h"

#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "artifact/foreign_text.h"
#include "codec/json.h"
#include "lattice/subjects.h"

namespace trellis::host {
namespace {

namespace json = boost::json;

class Reader {
 public:
  Reader(const json::object& object, ConfigReply& reply) : object_(object), reply_(reply) {}

  void read() {
    for_each("autoStartProviders", [this](const json::value& entry) { return provider(entry); });
    for_each("autoStartActors", [this](const json::value& entry) { return actor(entry); });
    credentials();
  }

 private:
  // `take` returns what is wrong with an entry, "" when it was taken.
  template <class Take>
  void for_each(const char* list, Take take) {
    const auto* value = object_.if_contains(list);
    if (value == nullptr || value->is_null()) return;
    if (!value->is_array()) return pass_over(fmt::format("{} is not a list", list));
    for (const auto& entry : value->get_array()) {
      if (const std::string why = take(entry); !why.empty()) {
        pass_over(
            fmt::format("{} in {}: {}", artifact::shown(codec::json_write(entry)), list, why));
      }
    }
  }

  std::string provider(const json::value& entry) {
    if (!entry.is_object()) return "it is not an object";
    const auto reference = codec::json_string(entry.get_object(), "imageReference");
    const auto link_name = codec::json_string(entry.get_object(), "linkName");
    if (!reference) return reference.error().detail;
    if (!link_name) return link_name.error().detail;
    if (reference->value_or("").empty()) return "it has no imageReference";
    if (!lattice::valid_token(link_name->value_or("")))
      return "its linkName must be one word without '.', '*', '>' or blanks";
    reply_.providers.push_back({**reference, **link_name});
    return "";
  }

  std::string actor(const json::value& entry) {
    if (!entry.is_string() || entry.get_string().empty()) return "it is not a reference";
    reply_.actors.emplace_back(entry.get_string());
    return "";
  }

  void credentials() {
    const auto* value = object_.if_contains("registryCredentials");
    if (value == nullptr || value->is_null()) return;
    auto parsed = control::parse_registry_credentials(codec::json_write(*value));
    if (!parsed) return pass_over("registryCredentials: " + parsed.error().detail);
    reply_.credentials = std::move(*parsed);
  }

  void pass_over(std::string why) { reply_.passed_over.push_back(std::move(why)); }

  const json::object& object_;
  ConfigReply& reply_;
};

}  // namespace

Result<ConfigReply> parse_config_reply(std::string_view body) {
  const auto value = codec::json_parse(body);
  if (!value || !value->is_object()) {
    return fail(Errc::invalid, "host.config_service",
                value ? "it is not a JSON object" : value.error().detail);
  }
  ConfigReply reply;
  Reader(value->get_object(), reply).read();
  return reply;
}

std::string config_request(const std::map<std::string, std::string>& labels) {
  json::object object;
  for (const auto& [name, value] : labels) object[name] = value;
  return codec::json_write(json::object{{"labels", std::move(object)}});
}

}  // namespace trellis::host
