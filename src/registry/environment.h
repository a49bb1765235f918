// Where variables come from: the process, or a test. What is read from them here is listed in
// docs/configuration.md; host and wash read it the same way.
#pragma once

#include <functional>
#include <optional>
#include <string>

namespace trellis::registry {

using Environment = std::function<std::optional<std::string>(const std::string& name)>;

Environment process_environment();

// "" when it is not set.
std::string variable(const Environment& get, const std::string& name);

}  // namespace trellis::registry
