// What an actor hands over to be applied, taken apart: YAML of one or several documents, JSON, or a
// List of either. Pure, but slow for what is large: for a thread of an Offload.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <boost/json/object.hpp>

#include "base/result.h"

namespace trellis::kubernetes {

struct Manifest {
  std::string api_version, kind, name;
  std::string space{};  // its namespace; "": the link's
  boost::json::object object{};

  std::string title() const { return kind + " '" + name + "'"; }
};

// At least one. Errors (invalid) with the texts of 2022, and which document it is if there are
// several.
Result<std::vector<Manifest>> parse_manifests(std::string_view text);

}  // namespace trellis::kubernetes
