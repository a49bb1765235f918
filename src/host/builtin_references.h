// Which references lead to a provider within the host itself: those that a built-in one replaces,
// at any version, and "builtin:<name>". Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "builtin/builtin_providers.h"

namespace trellis::host {

// The one that answers to `reference`, or null.
const builtin::BuiltinProvider* find_builtin(std::string_view reference);

// Whether the reference's own archive is wanted in its place: `wanted` names it ("httpserver", its
// reference with or without a tag) or "all". Never for "builtin:<name>".
bool is_external(const std::vector<std::string>& wanted, const builtin::BuiltinProvider& provider,
                 std::string_view reference);

}  // namespace trellis::host
