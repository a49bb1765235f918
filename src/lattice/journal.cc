#include "lattice/journal.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <filesystem>

#include "base/log.h"
#include "lattice/journal_file.h"

namespace trellis::lattice {

namespace {

constexpr const char* kSite = "lattice.journal";
constexpr std::size_t kOutdatedLinesMin = 1'000;  // fewer are not worth a rewrite

Result<void> make_folder_of(const std::string& file) {
  const auto folder = std::filesystem::path(file).parent_path();
  if (folder.empty()) return {};
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) return fail(file_error("create folder", folder.string(), error.value()));
  return {};
}

// The lock is a file of its own because the journal itself is replaced by compaction. It holds the
// owner's process id for the message of whoever comes second.
Result<int> take_lock(const std::string& file) {
  const auto name = file + ".lock";
  const int fd = ::open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) return fail(file_error("open", name, errno));
  if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    char owner[32] = {};
    const auto size = ::pread(fd, owner, sizeof owner - 1, 0);
    ::close(fd);
    return fail(
        Errc::unavailable, kSite,
        fmt::format("{} is in use by another host{}; stop that one, or give this host a data "
                    "folder of its own",
                    file, size > 0 ? fmt::format(" (process {})", std::string_view(owner)) : ""));
  }
  const auto pid = std::to_string(::getpid());
  if (::ftruncate(fd, 0) != 0 || ::pwrite(fd, pid.data(), pid.size(), 0) < 0)
    LOG(warn, "cannot note the process id in {}", name);
  return fd;
}

// A second name for the damaged file: the first is then replaced in one step.
void set_aside(const std::string& file, std::size_t damaged) {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const auto name = fmt::format("{}.damaged-{}", file,
                                std::chrono::duration_cast<std::chrono::milliseconds>(now).count());
  std::error_code error;
  std::filesystem::create_hard_link(file, name, error);
  if (error) std::filesystem::copy_file(file, name, error);
  LOG(warn, "{}: {} damaged line(s) are left out, the others kept; the file as it was is {}", file,
      damaged, error ? "lost: " + error.message() : name);
}

std::string file_of(const std::vector<JournalRecord>& records) {
  std::string bytes(kJournalHeader);
  for (const auto& record : records) bytes += journal_line(record);
  return bytes;
}

}  // namespace

Journal::Journal(std::string file, int lock) : file_(std::move(file)), lock_(lock) {}

Journal::~Journal() {
  if (fd_ >= 0) ::close(fd_);
  ::close(lock_);
}

Result<Journal::Opened> Journal::open(const std::string& file) {
  TRY_OK(make_folder_of(file));
  TRY(const int lock, take_lock(file));
  Opened opened{std::unique_ptr<Journal>(new Journal(file, lock)), {}};
  auto& journal = *opened.journal;
  TRY(const auto bytes, read_journal_file(file));
  auto content = parse_journal(bytes);
  if (content.damaged) set_aside(file, content.damaged);
  if (content.torn_bytes)
    LOG(warn,
        "{}: the last line was cut short ({} bytes), as by a kill while it was written; it is left "
        "out",
        file, content.torn_bytes);
  if (bytes.empty() || content.damaged || content.good_bytes == 0)
    TRY_OK(replace_file(file, file_of(content.records)));
  TRY_OK(journal.reopen());
  if (!bytes.empty() && !content.damaged && content.torn_bytes && content.good_bytes) {
    if (::ftruncate(journal.fd_, static_cast<off_t>(content.good_bytes)) != 0)
      return fail(file_error("truncate", file, errno));
    journal.size_ = content.good_bytes;
  }
  journal.lines_ = content.damaged ? content.records.size() : content.lines;
  journal.lines_after_compaction_ = content.records.size();
  opened.records = std::move(content.records);
  return opened;
}

Result<void> Journal::reopen() {
  const int fd = ::open(file_.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC);
  if (fd < 0) return fail(file_error("open", file_, errno));
  const auto size = ::lseek(fd, 0, SEEK_END);
  if (size < 0) {
    const int error = errno;
    ::close(fd);
    return fail(file_error("read", file_, error));
  }
  if (fd_ >= 0) ::close(fd_);
  fd_ = fd;
  size_ = static_cast<std::size_t>(size);
  return {};
}

Result<void> Journal::append(const std::vector<JournalRecord>& records) {
  if (broken_)
    return fail(
        Errc::internal, kSite,
        fmt::format("{} failed before and is not written any more; restart the host", file_));
  std::string bytes;
  for (const auto& record : records) bytes += journal_line(record);
  auto written = write_all(fd_, bytes, file_);
  if (written && ::fdatasync(fd_) != 0) {
    // After a failed sync the kernel may have dropped the pages: what is on disk is not known.
    broken_ = true;
    return fail(file_error("sync", file_, errno));
  }
  if (!written) {
    broken_ = ::ftruncate(fd_, static_cast<off_t>(size_)) != 0;
    return written;
  }
  size_ += bytes.size();
  lines_ += records.size();
  if (lines_ > 2 * lines_after_compaction_ + kOutdatedLinesMin) {
    if (auto compacted = compact(); !compacted)
      LOG(warn, "{} keeps outdated lines: {}", file_, compacted.error().describe());
  }
  return {};
}

Result<void> Journal::compact() {
  TRY(const auto bytes, read_journal_file(file_));
  const auto content = parse_journal(bytes);
  if (content.damaged || content.torn_bytes)
    return fail(Errc::corrupt, kSite, fmt::format("{} was changed by somebody else", file_));
  TRY_OK(replace_file(file_, file_of(content.records)));
  if (auto reopened = reopen(); !reopened) {
    broken_ = true;  // fd_ names the replaced file
    return reopened;
  }
  lines_ = lines_after_compaction_ = content.records.size();
  return {};
}

}  // namespace trellis::lattice
