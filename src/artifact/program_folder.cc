#include "artifact/program_folder.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <system_error>

#include "artifact/file_io.h"
#include "base/units.h"
#include "claims/sha256.h"
#include "claims/wasm_file.h"

namespace trellis::artifact {
namespace {

constexpr const char* kSite = "artifact.programs";
constexpr std::size_t kBlockBytes = 64_KiB;
constexpr std::string_view kMend = "set TRELLIS_PROVIDERS_DIR to a folder of this user's own";

Result<void> make_private(const std::string& dir) {
  std::error_code failed;
  std::filesystem::create_directories(std::filesystem::path(dir).parent_path(), failed);
  if (::mkdir(dir.c_str(), 0700) != 0 && errno != EEXIST) {
    return fail(errno == ENOSPC ? Errc::exhausted : Errc::denied, kSite,
                fmt::format("cannot make the folder '{}' for providers' programs: {}; {}", dir,
                            std::generic_category().message(errno), kMend));
  }
  struct stat info{};
  const bool known = ::lstat(dir.c_str(), &info) == 0;
  if (known && S_ISDIR(info.st_mode) && info.st_uid == ::geteuid() &&
      (info.st_mode & (S_IWGRP | S_IWOTH)) == 0)
    return {};
  return fail(
      Errc::denied, kSite,
      fmt::format("'{}' must be a folder that only this user can write to, for programs are "
                  "run from it; {}",
                  dir, kMend));
}

std::string file_name(std::string_view name) {
  std::string out;
  for (const char c : name.substr(0, 64)) {
    const bool kept = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    out += kept ? c : '_';
  }
  return out.empty() ? "provider" : out;
}

std::string lower(std::string hex) {
  std::transform(hex.begin(), hex.end(), hex.begin(), [](char c) {
    return c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return hex;
}

// A program that lies there: what is checked of it is checked of one open file.
class File {
 public:
  explicit File(const std::string& path)
      : fd_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)) {}
  ~File() {
    if (fd_ >= 0) ::close(fd_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  bool open() const { return fd_ >= 0; }
  bool is_ours() const {
    struct stat info{};
    return ::fstat(fd_, &info) == 0 && S_ISREG(info.st_mode) && info.st_uid == ::geteuid() &&
           (info.st_mode & S_IXUSR) != 0 && (info.st_mode & (S_IWGRP | S_IWOTH)) == 0;
  }
  Result<std::string> hash() const {
    claims::Sha256 hash;
    Bytes block(kBlockBytes);
    for (;;) {
      const auto count = ::read(fd_, block.data(), block.size());
      if (count == 0) return hash.hex_upper();
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) {
        return fail(Errc::unavailable, kSite,
                    "cannot read a program: " + std::generic_category().message(errno));
      }
      hash.add({block.data(), static_cast<std::size_t>(count)});
    }
  }

 private:
  int fd_;
};

}  // namespace

Result<InstalledProgram> ProgramFolder::install(BytesView program, std::string_view name) const {
  InstalledProgram installed{.path = {}, .hash = claims::sha256_hex_upper(program)};
  const std::string folder = dir_ + "/" + lower(installed.hash);
  installed.path = folder + "/" + file_name(name);
  TRY_OK(make_private(dir_));
  TRY_OK(make_private(folder));
  if (check(installed)) return installed;
  TRY_OK(write_file(installed.path, program, 0500));
  return installed;
}

Result<void> ProgramFolder::check(const InstalledProgram& program) {
  const File file(program.path);
  if (!file.open()) {
    return fail(Errc::not_found, kSite,
                fmt::format("'{}' cannot be opened: {}", program.path,
                            std::generic_category().message(errno)));
  }
  TRY(const auto hash, file.hash());
  if (file.is_ours() && hash == program.hash) return {};
  return fail(Errc::corrupt, kSite,
              fmt::format("'{}' is no longer the program that was unpacked there", program.path));
}

}  // namespace trellis::artifact
