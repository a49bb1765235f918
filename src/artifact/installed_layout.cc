#include <cstdlib>
#include <filesystem>
#include <string_view>
#include <system_error>

#include "artifact/resolver.h"

namespace trellis::artifact {

std::string installed_layout() {
  namespace fs = std::filesystem;
  // The kernel's own link: it is the real file even when the program was started through a link.
  std::error_code failed;
  const auto exe = fs::read_symlink("/proc/self/exe", failed);
  if (failed) return {};
  const auto dir = exe.parent_path().parent_path() / "share/trellis/artifacts";
  return fs::exists(dir / "oci-layout", failed) ? dir.string() : std::string();
}

std::vector<std::string> default_layouts() {
  std::vector<std::string> layouts;
  const char* said = std::getenv("TRELLIS_ARTIFACTS");
  if (said == nullptr) {
    if (auto installed = installed_layout(); !installed.empty()) {
      layouts.push_back(std::move(installed));
    }
    return layouts;
  }
  std::string_view rest = said;
  while (!rest.empty()) {
    const auto colon = rest.find(':');
    if (colon != 0) layouts.emplace_back(rest.substr(0, colon));
    rest.remove_prefix(colon == std::string_view::npos ? rest.size() : colon + 1);
  }
  return layouts;
}

}  // namespace trellis::artifact
