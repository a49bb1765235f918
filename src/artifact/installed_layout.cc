#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <system_error>

#include "artifact/resolver.h"

namespace trellis::artifact {

std::string installed_layout() {
  namespace fs = std::filesystem;
  if (const char* override_dir = std::getenv("TRELLIS_ARTIFACTS"); override_dir != nullptr) {
    return override_dir;
  }
  // The kernel's own link: it is the real file even when the program was started through a link.
  std::error_code failed;
  const auto exe = fs::read_symlink("/proc/self/exe", failed);
  if (failed) return {};
  const auto dir = exe.parent_path().parent_path() / "share/trellis/artifacts";
  return fs::exists(dir / "oci-layout", failed) ? dir.string() : std::string();
}

}  // namespace trellis::artifact
