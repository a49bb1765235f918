#include "lattice/journal_writer.h"

#include <optional>
#include <utility>

#include "runtime/core.h"
#include "runtime/offload.h"
#include "runtime/parking.h"

namespace trellis::lattice {

namespace {

struct Change {
  Change(JournalRecord r, std::function<void()> a)
      : record(std::move(r)), applied(std::move(a)), done(runtime::Core::current()) {}
  JournalRecord record;
  std::function<void()> applied;
  runtime::Parking done;
  std::optional<Result<void>> result;
};

}  // namespace

// Shared with the running write, which may outlive the writer.
struct JournalWriter::Shared {
  std::unique_ptr<Journal> journal;
  runtime::Offload disk{1, 1};
  std::vector<std::shared_ptr<Change>> waiting;
  bool writing = false;
  bool closed = false;
};

JournalWriter::JournalWriter(std::unique_ptr<Journal> journal)
    : shared_(std::make_shared<Shared>()) {
  shared_->journal = std::move(journal);
}

JournalWriter::~JournalWriter() {
  shared_->closed = true;
  for (const auto& change : std::exchange(shared_->waiting, {})) change->done.wake();
}

bool JournalWriter::idle() const { return !shared_->writing && shared_->waiting.empty(); }

runtime::Task<void> JournalWriter::write(JournalRecord record, std::function<void()> applied) {
  auto shared = shared_;
  if (shared->waiting.size() >= kQueuedMax)
    co_return fail(Errc::exhausted, "lattice.journal",
                   "too many changes wait for the disk; try again later");
  auto change = std::make_shared<Change>(std::move(record), std::move(applied));
  shared->waiting.push_back(change);
  if (!shared->writing) {
    shared->writing = true;
    runtime::Core::current().spawn("lattice state writer", run(shared));
  }
  co_await change->done.wait();
  if (!change->result)
    co_return fail(Errc::cancelled, "lattice.journal", "not known whether the change was made");
  co_return *change->result;
}

runtime::Task<void> JournalWriter::run(std::shared_ptr<Shared> shared) {
  while (!shared->waiting.empty() && !shared->closed) {
    const auto batch = std::exchange(shared->waiting, {});
    std::vector<JournalRecord> records;
    records.reserve(batch.size());
    for (const auto& change : batch) records.push_back(change->record);
    auto append = [&]() -> Result<void> { return shared->journal->append(records); };
    const auto written = co_await shared->disk.run<void>(append);
    for (const auto& change : batch) {
      if (written && !shared->closed) change->applied();
      change->result = written;
      change->done.wake();
    }
  }
  shared->writing = false;
  co_return Result<void>();
}

}  // namespace trellis::lattice
