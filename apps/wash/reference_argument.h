// Artifact references on the command line. What is really the path of a file is refused while the
// line is read, with the file:// reference that was meant: only here is known which folder a
// relative path starts from.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include <CLI/CLI.hpp>

namespace trellis::wash {

// "" when `text` may be a reference; else what is wrong with it. `folder` is where relative paths
// start.
std::string reference_mistake(std::string_view text, const std::filesystem::path& folder);
std::string reference_mistake(std::string_view text);  // in the current folder

// A positional argument that takes a reference.
CLI::Option* add_reference(CLI::App& app, const std::string& name, std::string& into,
                           const std::string& about);

}  // namespace trellis::wash
