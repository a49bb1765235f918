// A link definition: this actor may use that provider, under a contract and a link name, with these values.
#pragma once

#include <boost/json/object.hpp>
#include <map>
#include <string>

#include "base/bytes.h"
#include "base/result.h"

namespace trellis::lattice {

struct Link {
  std::string actor_id, provider_id, link_name = "default", contract_id;
  std::map<std::string, std::string> values;

  // Stable id: upper-case hex SHA-256 of actor_id‖contract_id‖link_name, so that putting a link again
  // replaces it (2022 made a new id each time and old links came back).
  std::string id() const;
  bool operator==(const Link&) const = default;
};

Bytes to_msgpack(const Link& link, bool deleted_field);      // linkdefs.put carries `deleted`, .del does not
Result<Link> link_from_msgpack(BytesView bytes);
boost::json::object to_json(const Link& link);               // without id
Result<Link> link_from_json(const boost::json::object& object, const char* site);

}  // namespace trellis::lattice
