// How help reads: what the command does, how it is typed, its arguments and options in columns, an
// example. Options of the groups a command stands in are shown with it, because they may be typed
// after it.
#pragma once

#include <string>

#include <CLI/CLI.hpp>

namespace trellis::wash {

// "Usage: wash ctl start actor [OPTIONS] <actor-ref>"
std::string usage_of(const CLI::App& app);

class HelpFormat : public CLI::FormatterBase {
 public:
  std::string make_help(const CLI::App* app, std::string name,
                        CLI::AppFormatMode mode) const override;
};

}  // namespace trellis::wash
