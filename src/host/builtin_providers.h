// The providers that live in the host itself, and which references they answer to: those they
// replace, at any version, and "builtin:<name>". The one place that knows the folder providers/.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "capability/provider.h"

namespace trellis::host {

struct BuiltinProvider {
  std::string name;                     // "httpserver"
  std::vector<std::string> references;  // registry/name, without a tag; none: only builtin:<name>
  capability::ProviderInfo info;
  std::function<std::unique_ptr<capability::Provider>(capability::ProviderContext)> make;
};

const std::vector<BuiltinProvider>& builtin_providers();

// The one that answers to `reference`, or null.
const BuiltinProvider* find_builtin(std::string_view reference);

// Whether the reference's own archive is wanted in its place: `wanted` names it ("httpserver", its
// reference with or without a tag) or "all". Never for "builtin:<name>".
bool is_external(const std::vector<std::string>& wanted, const BuiltinProvider& builtin,
                 std::string_view reference);

}  // namespace trellis::host
