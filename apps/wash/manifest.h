// The manifest of `wash ctl apply`: what should be started and linked, as YAML or JSON. YAML goes
// through libyaml; only the plain part of it is taken: maps, lists and scalars, no anchors. Pure.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/value.hpp>

#include "base/result.h"
#include "control/messages.h"

namespace trellis::wash {

struct ManifestCapability {
  std::string image_ref, link_name = "default";
};

struct Manifest {
  std::vector<std::string> actors;
  std::vector<ManifestCapability> capabilities;
  std::vector<control::LinkDefinition> links;
};

// `yaml` also reads JSON, which is a part of it.
Result<Manifest> parse_manifest(std::string_view text);

// ${NAME} and ${NAME:default} become the variable's value, the default, or, when neither is there,
// an error that names the variable.
using Variables = std::function<std::optional<std::string>(const std::string& name)>;
Result<std::string> expand_variables(std::string_view text, const Variables& variables);

}  // namespace trellis::wash
