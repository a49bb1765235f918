// Puts changes into a Journal from a core that must not wait for the disk: a thread of its own
// writes, and what comes in while it writes goes together with the next write (one fsync for all).
// Owned by the lattice state; core 0. Its destructor drops changes that have not begun to be
// written.
#pragma once

#include <functional>
#include <memory>

#include "lattice/journal.h"
#include "runtime/task.h"

namespace trellis::lattice {

class JournalWriter {
 public:
  explicit JournalWriter(std::unique_ptr<Journal> journal);
  ~JournalWriter();

  // Ends when the record is on disk. `applied` runs on the core right after that, in the order in
  // which write() tasks were started, also when the caller has given up; not when writing failed.
  // Errors: exhausted when kQueuedMax changes wait, those of Journal::append.
  runtime::Task<void> write(JournalRecord record, std::function<void()> applied);
  bool idle() const;  // nothing waits, nothing is being written

  static constexpr std::size_t kQueuedMax = 20'000;

 private:
  struct Shared;
  static runtime::Task<void> run(std::shared_ptr<Shared> shared);
  std::shared_ptr<Shared> shared_;
};

}  // namespace trellis::lattice
