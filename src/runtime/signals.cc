#include "runtime/signals.h"

#include <csignal>

#include <boost/asio/signal_set.hpp>

namespace trellis::runtime {

Task<int> wait_signal(std::vector<int> signals) {
  asio::basic_signal_set<Executor> set(Core::current().executor());
  boost::system::error_code refused;
  for (int number : signals) {
    set.add(number, refused);
    if (refused) co_return fail(error_from(refused, "runtime.signal", "cannot wait for a signal"));
  }
  const auto [ec, number] = co_await set.async_wait(kAwait);
  if (ec) co_return fail(error_from(ec, "runtime.signal", "cannot wait for a signal"));
  co_return number;
}

Result<int> wait_for_stop_signal(Cores& cores) {
  return cores.run_blocking<int>(0, [] { return wait_signal({SIGTERM, SIGINT}); });
}

}  // namespace trellis::runtime
