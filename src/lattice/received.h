// For tests of buses: what a subscription got, and waiting for more of it.
#pragma once

#include <fmt/format.h>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "lattice/bus.h"
#include "runtime/core.h"
#include "runtime/parking.h"

namespace trellis::lattice {

// Lives on the core, in a test's coroutine.
class Received {
 public:
  std::function<void(const Message&)> handler() {
    return [state = state_](const Message& message) {
      state->messages.push_back(message);
      if (state->waiting && state->messages.size() >= state->wanted) state->waiting->wake();
    };
  }
  const std::vector<Message>& messages() const { return state_->messages; }
  std::size_t count() const { return state_->messages.size(); }

  // Fails when fewer than `count` have come after ten seconds.
  runtime::Task<void> wait_for(std::size_t count) {
    runtime::Parking parking(runtime::Core::current());
    state_->wanted = count;
    state_->waiting = &parking;
    if (state_->messages.size() < count)
      co_await parking.wait(runtime::Deadline::in(std::chrono::seconds(10)));
    state_->waiting = nullptr;
    if (state_->messages.size() < count)
      co_return fail(Errc::timeout, "test",
                     fmt::format("{} of {} messages came", state_->messages.size(), count));
    co_return Result<void>();
  }

 private:
  struct State {
    std::vector<Message> messages;
    std::size_t wanted = 0;
    runtime::Parking* waiting = nullptr;
  };
  std::shared_ptr<State> state_ = std::make_shared<State>();
};

}  // namespace trellis::lattice
