#include "reference_argument.h"

#include <fmt/format.h>

#include <cstdlib>
#include <optional>
#include <system_error>

#include "artifact/reference.h"

namespace trellis::wash {
namespace {

namespace fs = std::filesystem;

bool is_file(const fs::path& path) {
  std::error_code ignored;
  return fs::is_regular_file(path, ignored);
}

// The path in "file:x", "file:/x", "file://x" and "file://./x": forms of file:///x that nothing
// accepts.
std::optional<std::string_view> path_of_bad_url(std::string_view text) {
  if (!text.starts_with("file:") || text.starts_with("file:///")) return std::nullopt;
  text.remove_prefix(text.starts_with("file://") ? 7 : 5);
  return text;
}

bool can_only_be_a_path(std::string_view text) {
  for (std::string_view start : {"/", "./", "../", "~/"})
    if (text.starts_with(start)) return true;
  return false;
}

// A whole reference stays one, even if there is a file of that name.
bool is_whole_reference(std::string_view text) {
  Result<artifact::Reference> reference = artifact::parse_reference(text);
  return reference && !reference->is_latest();
}

std::optional<std::string_view> path_meant(std::string_view text, const fs::path& folder) {
  if (auto path = path_of_bad_url(text)) return path;
  if (can_only_be_a_path(text)) return text;
  if (!text.empty() && is_file(folder / text) && !is_whole_reference(text)) return text;
  return std::nullopt;
}

fs::path absolute(std::string_view path, const fs::path& folder) {
  const char* home = std::getenv("HOME");
  if (path.starts_with("~/") && home != nullptr)  // within quotes or a URL no shell replaces it
    return (fs::path(home) / path.substr(2)).lexically_normal();
  return (folder / path).lexically_normal();
}

}  // namespace

std::string reference_mistake(std::string_view text, const fs::path& folder) {
  std::optional<std::string_view> path = path_meant(text, folder);
  if (!path) return {};
  fs::path file = absolute(*path, folder);
  return fmt::format("it is the path of a file, not a reference. Did you mean {}?{}",
                     artifact::file_reference(file.string()),
                     is_file(file) ? "" : " (There is no such file on this machine.)");
}

std::string reference_mistake(std::string_view text) {
  std::error_code ignored;
  return reference_mistake(text, fs::current_path(ignored));
}

CLI::Option* add_reference(CLI::App& app, const std::string& name, std::string& into,
                           const std::string& about) {
  return app.add_option(name, into, about)->check([name](const std::string& value) -> std::string {
    std::string mistake = reference_mistake(value);
    if (mistake.empty()) return {};
    return fmt::format("Invalid value '{}' for '<{}>': {}", value, name, mistake);
  });
}

}  // namespace trellis::wash
