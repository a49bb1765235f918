// The bytes of a journal: lines "<crc32> <key> <value>\n" after a first line that names the format,
// and how they are read from and put on disk. Used by Journal. Blocking.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "lattice/journal.h"

namespace trellis::lattice {

inline constexpr std::string_view kJournalHeader = "trellis-journal 1\n";

std::string journal_line(const JournalRecord& record);

struct JournalContent {
  std::vector<JournalRecord> records;  // living, by first appearance
  std::size_t lines = 0;               // good ones
  std::size_t damaged = 0;             // lines that are not what was written
  std::size_t good_bytes = 0;          // up to a torn last line
  std::size_t torn_bytes = 0;
};
JournalContent parse_journal(std::string_view bytes);

Result<std::string> read_journal_file(const std::string& file);  // "" when there is none
Result<void> write_all(int fd, std::string_view bytes, const std::string& file);
// By way of a temporary file and rename: afterwards `file` has these bytes or its former ones,
// never a part.
Result<void> replace_file(const std::string& file, std::string_view bytes);

// "cannot <what> <file>: <reason of errno>", with a code by what the caller can do.
Error file_error(const char* what, const std::string& file, int error);

}  // namespace trellis::lattice
