#include "runtime/signals.h"

#include <csignal>

namespace trellis::runtime {
namespace {

constexpr int kStopSignals[] = {SIGTERM, SIGINT};

Result<void> add(asio::basic_signal_set<Executor>& set, int number) {
  boost::system::error_code refused;
  set.add(number, refused);
  if (refused) return fail(error_from(refused, "runtime.signal", "cannot wait for a signal"));
  return {};
}

Task<int> wait_for_one(asio::basic_signal_set<Executor>& set) {
  const auto [ec, number] = co_await set.async_wait(kAwait);
  if (ec) co_return fail(error_from(ec, "runtime.signal", "cannot wait for a signal"));
  co_return number;
}

}  // namespace

Task<int> wait_signal(std::vector<int> signals) {
  asio::basic_signal_set<Executor> set(Core::current().executor());
  for (const int number : signals) CO_TRY_OK(add(set, number));
  co_return co_await wait_for_one(set);
}

StopSignals::StopSignals(Cores& cores) : cores_(cores), set_(cores[0].executor()) {}

Result<std::unique_ptr<StopSignals>> StopSignals::own(Cores& cores) {
  std::unique_ptr<StopSignals> signals(new StopSignals(cores));
  for (const int number : kStopSignals) TRY_OK(add(signals->set_, number));
  return signals;
}

StopSignals::~StopSignals() {
  boost::system::error_code ignored;
  set_.clear(ignored);  // to their default effect, which is to end the process
  for (const int number : kStopSignals) std::signal(number, SIG_IGN);
}

Result<int> StopSignals::wait() {
  return cores_.run_blocking<int>(0, [this] { return wait_for_one(set_); });
}

Result<bool> StopSignals::wait(Deadline latest) {
  const auto number = cores_.run_blocking<int>(0, [this, latest] {
    return with_deadline<int>(wait_for_one(set_), latest, "runtime.signal");
  });
  if (number) return true;
  if (number.error().code == Errc::timeout) return false;
  return fail(number.error());
}

}  // namespace trellis::runtime
