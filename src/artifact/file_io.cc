#include "artifact/file_io.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <system_error>

namespace trellis::artifact {
namespace {

// Closes a descriptor when it goes out of scope.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }

 private:
  int fd_;
};

tl::unexpected<Error> system_error(const char* what, const std::string& path, int error) {
  const auto code = error == ENOENT || error == ENOTDIR  ? Errc::not_found
                    : error == EACCES || error == EPERM  ? Errc::denied
                    : error == ENOSPC || error == EDQUOT ? Errc::exhausted
                                                         : Errc::unavailable;
  return fail(
      code, "artifact.file",
      fmt::format("Cannot {} '{}': {}", what, path, std::generic_category().message(error)));
}

}  // namespace

Result<Bytes> read_file(const std::string& path, std::size_t bytes_max) {
  // O_NONBLOCK: opening a FIFO must not wait for somebody to write to it.
  const Descriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (fd.get() < 0) return system_error("read", path, errno);
  struct stat info{};
  if (::fstat(fd.get(), &info) != 0) return system_error("read", path, errno);
  if (!S_ISREG(info.st_mode)) {
    return fail(Errc::invalid, "artifact.file", fmt::format("'{}' is not a file", path));
  }
  const auto size = static_cast<std::size_t>(info.st_size);
  if (size > bytes_max) {
    return fail(Errc::exhausted, "artifact.file",
                fmt::format("'{}' has {} bytes; at most {} are accepted", path, size, bytes_max));
  }
  Bytes bytes(size);
  std::size_t done = 0;
  while (done < size) {
    const auto n = ::read(fd.get(), bytes.data() + done, size - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return system_error("read", path, errno);
    if (n == 0) break;
    done += static_cast<std::size_t>(n);
  }
  bytes.resize(done);
  return bytes;
}

Result<void> write_file(const std::string& path, BytesView bytes, unsigned mode) {
  const auto beside = fmt::format("{}.{}.tmp", path, ::getpid());
  {
    const Descriptor fd(::open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode));
    if (fd.get() < 0) return system_error("write", beside, errno);
    while (!bytes.empty()) {
      const auto n = ::write(fd.get(), bytes.data(), bytes.size());
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) {
        const int error = errno;
        ::unlink(beside.c_str());
        return system_error("write", beside, error);
      }
      bytes = bytes.subspan(static_cast<std::size_t>(n));
    }
    // On the disk before it has its name: a crash leaves the old file or the new one, never half.
    if (::fsync(fd.get()) != 0) {
      const int error = errno;
      ::unlink(beside.c_str());
      return system_error("write", beside, error);
    }
  }
  if (std::rename(beside.c_str(), path.c_str()) != 0) {
    const int error = errno;
    ::unlink(beside.c_str());
    return system_error("write", path, error);
  }
  return {};
}

}  // namespace trellis::artifact
