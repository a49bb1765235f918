// The commands that people type: pack, which makes an archive of one of our own providers, and
// list, which says which there are. Blocking.
#pragma once

#include <functional>
#include <string>

#include <CLI/CLI.hpp>

#include "base/result.h"

namespace trellis::provider_app {

// Adds a command; `chosen` becomes what it does when it is the one that was typed: it returns what
// is to be printed.
using Action = std::function<Result<std::string>()>;
void add_pack(CLI::App& app, Action& chosen);
void add_list(CLI::App& app, Action& chosen);

}  // namespace trellis::provider_app
