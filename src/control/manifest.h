// A manifest: what should be started and linked, as YAML or JSON, in the format of 2022's
// `wash ctl apply`. Read by that command, and by a host for itself (TRELLIS_MANIFEST). Pure, but
// for the files that values of links name.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "control/messages.h"

namespace trellis::control {

struct ManifestActor {
  std::string image_ref;
  std::uint16_t count = 1;  // ours: 2022 had a reference alone
  std::size_t line = 0;     // in the text
};

struct ManifestCapability {
  std::string image_ref, link_name = "default";
  std::size_t line = 0;
};

struct ManifestLink {
  LinkDefinition definition;
  std::size_t line = 0;
};

struct Manifest {
  std::vector<ManifestActor> actors;
  std::vector<ManifestCapability> capabilities;
  std::vector<ManifestLink> links;
};

struct ManifestRules {
  // Refuses what 2022 passed over: members that nobody reads, keys that are none, the same thing
  // or key twice, a second document.
  bool strict = false;
  // For values of links of the form {file: /path}, so that no secret stands in a manifest; none:
  // refused.
  std::function<Result<std::string>(const std::string& path)> read_file{};
};

// Errors name the line and say what belongs there.
Result<Manifest> parse_manifest(std::string_view text, const ManifestRules& rules = {});

// ${NAME} and ${NAME:default} become the variable's value, the default, or, when neither is there,
// an error that names the variable.
using Variables = std::function<std::optional<std::string>(const std::string& name)>;
Result<std::string> expand_variables(std::string_view text, const Variables& variables);

}  // namespace trellis::control
