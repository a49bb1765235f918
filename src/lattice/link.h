// A link definition: this actor may use that provider, under a contract and a link name, with these
// values. A value. JSON of the control interface: docs/protocol.md §6.5; msgpack to providers:
// §3.8.
#pragma once

#include <map>
#include <string>

#include <boost/json/object.hpp>

#include "base/bytes.h"
#include "base/result.h"

namespace trellis::lattice {

struct Link {
  std::string actor_id, provider_id, link_name = "default", contract_id;
  std::map<std::string, std::string> values;

  // Stable id: upper-case hex SHA-256 of actor_id‖contract_id‖link_name, so that putting a link
  // again replaces it (2022 made a new id each time and old links came back).
  std::string id() const;
  bool operator==(const Link&) const = default;
};

Bytes to_msgpack(const Link& link,
                 bool deleted_field);  // linkdefs.put carries `deleted`, .del does not
Result<Link> link_from_msgpack(BytesView bytes);
boost::json::object to_json(const Link& link);  // without id
Result<Link> link_from_json(const boost::json::object& object, const char* site);
// What a removal names: actor_id, contract_id and link_name; clients send the rest empty.
Result<Link> link_key_from_json(const boost::json::object& object, const char* site);

}  // namespace trellis::lattice
