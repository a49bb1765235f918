// Calls to one target (an actor, a provider by a link), counted by operation and outcome, with the
// time they took. Plain integers that one core owns: counting takes no lock, no atomics and, once
// an operation is known, no allocation. Operations are named by whoever calls, so only so many are
// told apart; the others are counted together.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/durations.h"
#include "base/error.h"

namespace trellis {

// How a call ended: well, with an error of the actor's own, or as an Errc says.
class Outcome {
 public:
  static constexpr std::size_t kCount = static_cast<std::size_t>(Errc::internal) + 3;

  static constexpr Outcome ok() { return Outcome(0); }
  static Outcome of(const Error& error);
  static constexpr Outcome of(Errc code) { return Outcome(static_cast<std::size_t>(code) + 2); }
  static constexpr Outcome at(std::size_t index) { return Outcome(index); }

  constexpr std::size_t index() const { return index_; }
  std::string_view name() const;  // "ok", "actor_error", "timeout", …

 private:
  explicit constexpr Outcome(std::size_t index) : index_(index) {}
  std::size_t index_;
};

class CallCells {
 public:
  static constexpr std::size_t kOperationsMax = 32;
  static constexpr std::size_t kNameBytesMax = 96;  // what is longer is no operation's name
  static constexpr std::string_view kOther = "other";

  struct Operation {
    std::string name;
    std::array<std::uint64_t, Outcome::kCount> outcomes{};
    Durations durations;
  };

  void add(std::string_view operation, Outcome outcome, std::chrono::nanoseconds took) {
    Operation& found = latest_ < operations_.size() && operations_[latest_].name == operation
                           ? operations_[latest_]
                           : find(operation);
    ++found.outcomes[outcome.index()];
    found.durations.add(took);
  }

  // In the order in which they were first seen; the others, if any, are behind them.
  const std::vector<Operation>& operations() const { return operations_; }

  // The sum over cores keeps its names from one time to the next: an operation that is shown once
  // stays, whichever core has heard of which others since.
  void clear();
  CallCells& operator+=(const CallCells& other);

 private:
  Operation& find(std::string_view name);

  std::vector<Operation> operations_;  // at most one more than kOperationsMax
  std::size_t latest_ = 0;             // most calls are of the operation before
};

}  // namespace trellis
