#include "files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <system_error>

#include "base/units.h"

namespace trellis::wash {
namespace {

constexpr std::size_t kFileBytesMax = 64_MiB;

tl::unexpected<Error> refused(std::string_view what, const std::filesystem::path& path, int error) {
  Errc code = error == ENOENT ? Errc::not_found : error == EACCES ? Errc::denied : Errc::internal;
  return fail(code, "wash.file",
              fmt::format("Cannot {} {}: {} (os error {})", what, path.string(),
                          std::generic_category().message(error), error));
}

bool write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    ssize_t wrote = ::write(fd, text.data(), text.size());
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(wrote));
  }
  return true;
}

}  // namespace

Result<std::filesystem::path> wash_home() {
  const char* home = std::getenv("HOME");
  if (home == nullptr || *home == '\0')
    return fail(Errc::invalid, "wash.home", "No home directory found. Please set $HOME.");
  std::filesystem::path path = std::filesystem::path(home) / ".wash";
  TRY_OK(make_directory(path));
  return path;
}

Result<void> make_directory(const std::filesystem::path& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error) return refused("create", path, error.value());
  return {};
}

Result<std::string> read_file(const std::filesystem::path& path) {
  int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return refused("read", path, errno);
  std::string text;
  char buffer[64 * 1024];
  ssize_t got = 0;
  int error = 0;
  while (text.size() <= kFileBytesMax && (got = ::read(fd, buffer, sizeof buffer)) != 0) {
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) {
      error = errno;
      break;
    }
    text.append(buffer, static_cast<std::size_t>(got));
  }
  ::close(fd);
  if (error != 0) return refused("read", path, error);
  if (text.size() > kFileBytesMax) return refused("read", path, EFBIG);
  return text;
}

Result<void> write_private_file(const std::filesystem::path& path, std::string_view text) {
  std::filesystem::path fresh = path;
  fresh += fmt::format(".{}", ::getpid());
  int fd = ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) return refused("write", path, errno);
  int error = write_all(fd, text) ? 0 : errno;
  if (::close(fd) != 0 && error == 0) error = errno;
  if (error == 0 && ::rename(fresh.c_str(), path.c_str()) != 0) error = errno;
  if (error == 0) return {};
  ::unlink(fresh.c_str());
  return refused("write", path, error);
}

}  // namespace trellis::wash
