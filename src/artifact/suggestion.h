// "Did you mean": the known reference nearest to one that was not found. Pure.
#pragma once

#include <string>
#include <vector>

#include "artifact/reference.h"

namespace trellis::artifact {

// A sentence to put behind "not found", "" if nothing known comes near: the tags known of the same
// repository, or else the reference fewest keystrokes away.
std::string suggestion(const Reference& wanted, const std::vector<std::string>& known);

}  // namespace trellis::artifact
