#include "lattice/link.h"

#include <fmt/format.h>

#include <boost/json/string.hpp>
#include <boost/json/value.hpp>

#include "base/bytes.h"
#include "claims/wasm_file.h"
#include "codec/json.h"
#include "codec/msgpack.h"

namespace trellis::lattice {

namespace {

Result<std::string> required(const boost::json::object& object, std::string_view key,
                             const char* site) {
  TRY(auto value, codec::json_string(object, key));
  if (!value || value->empty())
    return fail(Errc::invalid, site, fmt::format("a link needs \"{}\"", key));
  return std::move(*value);
}

Result<std::map<std::string, std::string>> values_from(codec::MsgpackReader& reader) {
  std::map<std::string, std::string> values;
  TRY(const auto pairs, reader.map());
  for (std::size_t i = 0; i < pairs; ++i) {
    TRY(const auto key, reader.text());
    TRY(const auto value, reader.text());
    values.insert_or_assign(std::string(key), std::string(value));
  }
  return values;
}

}  // namespace

std::string Link::id() const {
  return claims::sha256_hex_upper(as_bytes(actor_id + contract_id + link_name));
}

Bytes to_msgpack(const Link& link, bool deleted_field) {
  Bytes out;
  codec::MsgpackWriter writer(out);
  writer.map(deleted_field ? 7 : 6);
  const auto text = [&](std::string_view key, std::string_view value) {
    writer.str(key);
    writer.str(value);
  };
  text("id", link.id());
  text("actor_id", link.actor_id);
  text("provider_id", link.provider_id);
  text("link_name", link.link_name);
  text("contract_id", link.contract_id);
  writer.str("values");
  writer.map(link.values.size());
  for (const auto& [key, value] : link.values) text(key, value);
  if (deleted_field) {
    writer.str("deleted");
    writer.boolean(false);
  }
  return out;
}

Result<Link> link_from_msgpack(BytesView bytes) {
  codec::MsgpackReader reader(bytes);
  Link link;
  bool has_values = false;
  TRY(const auto pairs, reader.map());
  for (std::size_t i = 0; i < pairs; ++i) {
    TRY(const auto key, reader.text());
    std::string* const field = key == "actor_id"      ? &link.actor_id
                               : key == "provider_id" ? &link.provider_id
                               : key == "link_name"   ? &link.link_name
                               : key == "contract_id" ? &link.contract_id
                                                      : nullptr;
    if (field) {
      TRY(const auto text, reader.text());
      field->assign(text);
    } else if (key == "values") {
      TRY(link.values, values_from(reader));
      has_values = true;
    } else {
      TRY_OK(reader.skip());
    }
  }
  if (link.actor_id.empty() || link.provider_id.empty() || link.contract_id.empty() || !has_values)
    return fail(Errc::invalid, "lattice.link.msgpack",
                "a link needs actor_id, provider_id, contract_id and values");
  return link;
}

boost::json::object to_json(const Link& link) {
  boost::json::object values;
  for (const auto& [key, value] : link.values) values[key] = value;
  return {{"actor_id", link.actor_id},
          {"provider_id", link.provider_id},
          {"link_name", link.link_name},
          {"contract_id", link.contract_id},
          {"values", std::move(values)}};
}

Result<Link> link_key_from_json(const boost::json::object& object, const char* site) {
  Link link;
  TRY(link.actor_id, required(object, "actor_id", site));
  TRY(link.contract_id, required(object, "contract_id", site));
  TRY(link.link_name, required(object, "link_name", site));
  return link;
}

Result<Link> link_from_json(const boost::json::object& object, const char* site) {
  TRY(auto link, link_key_from_json(object, site));
  TRY(link.provider_id, required(object, "provider_id", site));
  const auto* values = object.if_contains("values");
  if (!values || values->is_null()) return link;
  if (!values->is_object())
    return fail(Errc::invalid, site, "the \"values\" of a link must be an object of strings");
  for (const auto& [key, value] : values->get_object()) {
    if (!value.is_string())
      return fail(Errc::invalid, site,
                  fmt::format("the link value \"{}\" must be a string", std::string_view(key)));
    link.values.emplace(key, std::string_view(value.get_string()));
  }
  return link;
}

}  // namespace trellis::lattice
