#include "lattice/journal_state.h"

#include <fmt/format.h>

#include <utility>
#include <variant>

#include "base/log.h"

namespace trellis::lattice {

Result<std::unique_ptr<State>> State::open(std::string file, Observer observer) {
  auto state = std::make_unique<JournalState>(std::move(observer));
  TRY_OK(state->open_file(std::move(file)));
  return std::unique_ptr<State>(std::move(state));
}

Result<void> JournalState::open_file(std::string file) {
  file_ = std::move(file);
  if (file_.empty()) return {};
  TRY(auto opened, Journal::open(file_));
  for (const auto& line : opened.records) {
    const auto record = from_journal(line);
    // Its checksum is right, so another version wrote it: left in the file, unknown here.
    if (record) {
      apply(*record, order_for(*record), Origin::loaded);
    } else {
      LOG(warn, "{}: record {} is not understood: {}", file_, line.key, record.error().describe());
    }
  }
  writer_ = std::make_unique<JournalWriter>(std::move(opened.journal));
  return {};
}

std::uint64_t JournalState::order_for(const StateRecord& record) {
  const auto* claims = std::get_if<ClaimsRecord>(&record);
  if (!claims) return 0;
  const auto known = order_of_claims(claims->subject);
  return known ? *known : claims_order_++;
}

runtime::Task<std::optional<Link>> JournalState::change(StateRecord record, Origin origin) {
  if (settled() && holds(record)) co_return std::nullopt;
  auto line = to_journal(record);
  // Shared with the change, which is made even when this frame is gone.
  auto former = std::make_shared<std::optional<Link>>();
  std::function<void()> applied = [this, former, origin, record = std::move(record)] {
    const bool news = !holds(record);
    *former = apply(record, order_for(record), origin);
    if (!news || origin != Origin::here) return;
    const bool deleted = std::holds_alternative<DeletedLink>(record);
    made_here(deleted && *former ? DeletedLink{**former} : record);
  };
  if (writer_) {
    CO_TRY_OK(co_await writer_->write(std::move(line), std::move(applied)));
  } else {
    applied();
  }
  co_return std::move(*former);
}

runtime::Task<void> JournalState::put_link(Link link) {
  CO_TRY_OK(co_await change(std::move(link), Origin::here));
  co_return Result<void>();
}

runtime::Task<std::optional<Link>> JournalState::delete_link(std::string actor_id,
                                                             std::string contract_id,
                                                             std::string link_name) {
  auto named = named_link(std::move(actor_id), std::move(contract_id), std::move(link_name));
  co_return co_await change(DeletedLink{std::move(named)}, Origin::here);
}

runtime::Task<void> JournalState::put_claims(ClaimsRecord record) {
  CO_TRY_OK(co_await change(std::move(record), Origin::here));
  co_return Result<void>();
}

runtime::Task<void> JournalState::put_reference(std::string reference, std::string public_key) {
  CO_TRY_OK(co_await change(Reference{std::move(reference), std::move(public_key)}, Origin::here));
  co_return Result<void>();
}

std::string JournalState::describe() const {
  return file_.empty() ? "in memory only" : fmt::format("in the file {}", file_);
}

}  // namespace trellis::lattice
