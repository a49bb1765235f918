// The root command and what is said when a command line is wrong: the mistake in one sentence, the
// nearest right word when there is one, where to read on. Exit code 2, on stderr.
#pragma once

#include <CLI/CLI.hpp>

#include "command.h"

namespace trellis::wash {

void set_up_root(CLI::App& root, Context& context);
// Also answers --help and --version, with exit code 0.
int report_usage(const CLI::App& root, const CLI::ParseError& error);

}  // namespace trellis::wash
