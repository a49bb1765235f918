// An error text that carries what caused it, as the command line prints it and scripts read it:
// "<message>\n\nCaused by:\n    <cause>". Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace trellis {

// `message` because of `cause`, which may have causes of its own; several are numbered.
std::string with_cause(std::string message, std::string_view cause);
// The message, then its causes, outermost first.
std::vector<std::string> split_causes(std::string_view text);

// The same for an error, with the code of its cause.
Error caused_by(std::string message, const Error& cause);

}  // namespace trellis
