// The root command and what is said when a command line is wrong: the mistake in one sentence, the
// nearest right word when there is one, where to read on. Exit code 2, on stderr.
#pragma once

#include <optional>
#include <span>

#include <CLI/CLI.hpp>

#include "command.h"

namespace trellis::wash {

void set_up_root(CLI::App& root, Context& context);
// Answers `wash help` and `wash help ctl start` as --help there: the exit code. Nothing when that
// is not what was typed. "help" may stand after any command that has others.
std::optional<int> answer_help(const CLI::App& root, std::span<const char* const> words);
// Also answers --help and --version, with exit code 0.
int report_usage(const CLI::App& root, const CLI::ParseError& error);

}  // namespace trellis::wash
