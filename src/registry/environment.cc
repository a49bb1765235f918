#include "registry/environment.h"

#include <cstdlib>

namespace trellis::registry {

Environment process_environment() {
  return [](const std::string& name) -> std::optional<std::string> {
    const char* value = std::getenv(name.c_str());
    return value == nullptr ? std::nullopt : std::optional<std::string>(value);
  };
}

std::string variable(const Environment& get, const std::string& name) {
  return get(name).value_or("");
}

}  // namespace trellis::registry
