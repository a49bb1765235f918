// A small durable map: keys with a line of text each, kept as an append-only file of which the last
// line of a key counts. Every append is on disk (fsync) when it returns. Survives a kill at any
// point: a torn last line is cut off, damaged lines are set aside in a copy of the file and the
// others kept. Blocking; used by one thread at a time (JournalWriter gives it one). One process
// owns a file: the lock goes with the process.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace trellis::lattice {

struct JournalRecord {
  std::string key;                   // no white space
  std::optional<std::string> value;  // one line; nullopt removes the key
  bool operator==(const JournalRecord&) const = default;
};

class Journal {
 public:
  struct Opened {
    std::unique_ptr<Journal> journal;
    std::vector<JournalRecord> records;  // the living ones, by the time their key first appeared
  };
  // Makes the file and its folder when they are missing. Errors: unavailable (another process has
  // it), denied, internal; each names the file.
  static Result<Opened> open(const std::string& file);
  ~Journal();
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;

  // All or nothing. When it fails the file is as before (a full disk, for one, may be mended and
  // the append tried again); when even that cannot be had, every later append fails.
  Result<void> append(const std::vector<JournalRecord>& records);

  // Rewrites the file without what is outdated. append() does it when most of the file is.
  Result<void> compact();

  std::size_t lines() const { return lines_; }

 private:
  Journal(std::string file, int lock);
  Result<void> reopen();

  std::string file_;
  int lock_;  // holds the flock
  int fd_ = -1;
  std::size_t size_ = 0;  // bytes known to be good
  std::size_t lines_ = 0;
  std::size_t lines_after_compaction_ = 0;
  bool broken_ = false;  // what is on disk is not known
};

}  // namespace trellis::lattice
