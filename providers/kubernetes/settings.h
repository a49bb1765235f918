// What the values of a link to the applier mean: config_file, config_b64, ADOPT, OWNER; keys in any
// case. Pure, but for load_access(), which waits for a disk.
#pragma once

#include <string>

#include "base/result.h"
#include "kubernetes/access.h"
#include "lattice/link.h"

namespace trellis::kubernetes {

struct Settings {
  std::string config_file, config_b64;  // the first that is there; none: inferred
  bool adopt = false;                   // ADOPT=allow
  bool owned = true;                    // OWNER=none: objects belong to nobody
};

// Errors name the key and what was wrong with it.
Result<Settings> parse_settings(const lattice::Link& link);

// What works but was probably not meant so.
std::string oddities_of(const lattice::Link& link);

Result<Access> load_access(const Settings& settings, const Environment& environment);

}  // namespace trellis::kubernetes
