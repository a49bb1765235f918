#include "lattice/journal_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <unordered_map>

#include <boost/crc.hpp>

namespace trellis::lattice {

namespace {

constexpr const char* kSite = "lattice.journal";
constexpr std::string_view kRemoved = "-";
constexpr std::size_t kCrcSize = 8;

std::uint32_t crc32(std::string_view text) {
  boost::crc_32_type crc;
  crc.process_bytes(text.data(), text.size());
  return crc.checksum();
}

// The record of one line without its newline; nullopt when it is damaged.
std::optional<JournalRecord> parse_line(std::string_view line) {
  if (line.size() < kCrcSize + 1 || line[kCrcSize] != ' ') return std::nullopt;
  std::uint32_t expected = 0;
  const auto* end = line.data() + kCrcSize;
  const auto [stopped, error] = std::from_chars(line.data(), end, expected, 16);
  if (error != std::errc() || stopped != end) return std::nullopt;
  line.remove_prefix(kCrcSize + 1);
  const auto space = line.find(' ');
  if (space == std::string_view::npos || space == 0 || crc32(line) != expected) return std::nullopt;
  const auto value = line.substr(space + 1);
  JournalRecord record{std::string(line.substr(0, space)), std::nullopt};
  if (value != kRemoved) record.value = value;
  return record;
}

Result<void> sync_folder_of(const std::string& file) {
  auto folder = std::filesystem::path(file).parent_path().string();
  if (folder.empty()) folder = ".";
  const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return fail(file_error("open", folder, errno));
  const int synced = ::fsync(fd);
  const int error = errno;
  ::close(fd);
  if (synced != 0) return fail(file_error("sync", folder, error));
  return {};
}

Result<void> write_synced(const std::string& file, std::string_view bytes) {
  const int fd = ::open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) return fail(file_error("create", file, errno));
  auto written = write_all(fd, bytes, file);
  if (written && ::fsync(fd) != 0) written = fail(file_error("sync", file, errno));
  ::close(fd);
  return written;
}

}  // namespace

std::string journal_line(const JournalRecord& record) {
  auto text =
      fmt::format("{} {}", record.key, record.value ? std::string_view(*record.value) : kRemoved);
  return fmt::format("{:08x} {}\n", crc32(text), text);
}

JournalContent parse_journal(std::string_view bytes) {
  JournalContent content;
  std::unordered_map<std::string, std::size_t> index;  // key → place in records
  const auto end = bytes.rfind('\n');
  content.good_bytes = end == std::string_view::npos ? 0 : end + 1;
  content.torn_bytes = bytes.size() - content.good_bytes;
  bytes = bytes.substr(0, content.good_bytes);
  if (bytes.starts_with(kJournalHeader))
    bytes.remove_prefix(kJournalHeader.size());
  else if (!bytes.empty())
    ++content.damaged;
  while (!bytes.empty()) {
    const auto newline = bytes.find('\n');
    auto record = parse_line(bytes.substr(0, newline));
    bytes.remove_prefix(newline + 1);
    if (!record) {
      ++content.damaged;
      continue;
    }
    ++content.lines;
    const auto [place, fresh] = index.try_emplace(record->key, content.records.size());
    if (fresh)
      content.records.push_back(std::move(*record));
    else
      content.records[place->second].value = std::move(record->value);
  }
  std::erase_if(content.records, [](const JournalRecord& record) { return !record.value; });
  return content;
}

Result<std::string> read_journal_file(const std::string& file) {
  const int fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    if (errno == ENOENT) return std::string();
    return fail(file_error("open", file, errno));
  }
  std::string bytes;
  for (;;) {
    constexpr std::size_t kStep = 256 * 1024;
    const auto had = bytes.size();
    bytes.resize(had + kStep);
    const auto got = ::read(fd, bytes.data() + had, kStep);
    const int error = errno;
    bytes.resize(had + static_cast<std::size_t>(got > 0 ? got : 0));
    if (got > 0 || (got < 0 && error == EINTR)) continue;
    ::close(fd);
    if (got < 0) return fail(file_error("read", file, error));
    return bytes;
  }
}

Result<void> write_all(int fd, std::string_view bytes, const std::string& file) {
  while (!bytes.empty()) {
    const auto written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0) {
      if (errno == EINTR) continue;
      return fail(file_error("write", file, errno));
    }
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

Result<void> replace_file(const std::string& file, std::string_view bytes) {
  const auto temporary = file + ".new";
  TRY_OK(write_synced(temporary, bytes));
  if (::rename(temporary.c_str(), file.c_str()) != 0)
    return fail(file_error("replace", file, errno));
  return sync_folder_of(file);
}

Error file_error(const char* what, const std::string& file, int error) {
  const auto code = error == EACCES || error == EPERM || error == EROFS ? Errc::denied
                    : error == ENOSPC || error == EDQUOT                ? Errc::exhausted
                                                                        : Errc::internal;
  return {code, kSite,
          fmt::format("cannot {} {}: {}", what, file, std::generic_category().message(error))};
}

}  // namespace trellis::lattice
