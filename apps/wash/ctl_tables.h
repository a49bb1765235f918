// What `wash ctl get …` and `link query` show: the tables of 2022, and the same as JSON. Pure.
#pragma once

#include <string>
#include <vector>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "control/messages.h"

namespace trellis::wash {

std::string hosts_table(const std::vector<control::HostDescription>& hosts);
std::string inventory_table(const control::HostInventory& inventory);
std::string claims_table(const control::ClaimsList& list);
// A column with the state of each link appears when a link is not active, or when it is asked for.
std::string links_table(const control::LinkList& list, bool with_status);

boost::json::array hosts_json(const std::vector<control::HostDescription>& hosts);
boost::json::object inventory_json(const control::HostInventory& inventory);

}  // namespace trellis::wash
