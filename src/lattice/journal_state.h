// The lattice's state in a file of this host: for a host that is alone, and what BroadcastState is
// made of. The file is written by a thread of its own: changes made while a write runs go to disk
// together with the next, and the core never waits for the disk. Made by State::open(). Core 0.
#pragma once

#include <memory>
#include <string>

#include "lattice/journal_writer.h"
#include "lattice/state_tables.h"

namespace trellis::lattice {

class JournalState : public StateTables {
 public:
  explicit JournalState(Observer observer) : StateTables(std::move(observer)) {}
  // Once, first; State::open() says how it fails. Blocks.
  Result<void> open_file(std::string file);

  runtime::Task<void> put_link(Link link) override;
  runtime::Task<std::optional<Link>> delete_link(std::string actor_id, std::string contract_id,
                                                 std::string link_name) override;
  runtime::Task<void> put_claims(ClaimsRecord record) override;
  runtime::Task<void> put_reference(std::string reference, std::string public_key) override;
  std::string describe() const override;

 protected:
  // The link that was replaced or deleted.
  runtime::Task<std::optional<Link>> change(StateRecord record, Origin origin);
  // After a change that was made here, and told.
  virtual void made_here(const StateRecord& record) { static_cast<void>(record); }

 private:
  // What is in memory is what the next change starts from only while none is on its way to the
  // disk.
  bool settled() const { return !writer_ || writer_->idle(); }
  std::uint64_t order_for(const StateRecord& record);

  std::string file_;                       // "": memory only
  std::unique_ptr<JournalWriter> writer_;  // none then
  std::uint64_t claims_order_ = 0;
};

}  // namespace trellis::lattice
