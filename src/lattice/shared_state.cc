#include "lattice/shared_state.h"

#include <utility>

#include "base/log.h"
#include "lattice/broadcast_state.h"
#include "lattice/jetstream_state.h"
#include "lattice/subjects.h"

namespace trellis::lattice {

namespace {

using runtime::Deadline;
using runtime::Task;

constexpr auto kBetweenTries = std::chrono::milliseconds(250);

Task<std::unique_ptr<State>> open_in_jetstream(Bus& bus, SharedStateOptions options) {
  auto state = std::make_unique<JetStreamState>(bus, std::move(options));
  const auto opened = co_await state->open();
  if (opened) co_return std::unique_ptr<State>(std::move(state));
  CO_TRY_OK(co_await state->stop());
  co_return fail(opened.error());
}

// A JetStream that is just starting answers late, or that it will soon; that of a domain elsewhere
// is there when the way to it is; and a connection that was lost this moment comes back.
bool may_come(const Error& error, const SharedStateOptions& options) {
  if (error.code == Errc::timeout) return true;
  return error.code == Errc::unavailable && (!options.domain.empty() || !options.connected());
}

Task<std::unique_ptr<State>> try_jetstream(Bus& bus, SharedStateOptions options) {
  const auto give_up = Deadline::in(options.patience);
  for (;;) {
    auto opened = co_await open_in_jetstream(bus, options);
    if (opened || give_up.expired() || !may_come(opened.error(), options)) co_return opened;
    CO_TRY_OK(co_await runtime::Core::current().sleep_until(Deadline::in(kBetweenTries)));
  }
}

}  // namespace

Task<std::unique_ptr<State>> open_lattice_state(Bus& bus, SharedStateOptions options) {
  CO_TRY_OK(check_lattice_prefix(options.prefix));
  auto opened = co_await try_jetstream(bus, options);
  if (opened || opened.error().code == Errc::cancelled) co_return opened;
  auto state = std::make_unique<BroadcastState>(bus, Subjects{.prefix = options.prefix},
                                                std::move(options.observer), opened.error());
  CO_TRY_OK(state->open(std::move(options.journal_file)));
  LOG(warn, "The lattice state is kept {}", state->describe());
  co_return std::unique_ptr<State>(std::move(state));
}

}  // namespace trellis::lattice
