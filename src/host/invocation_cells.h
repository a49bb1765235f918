// Invocations to other hosts or from them, as one core counts them.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>

#include "base/call_cells.h"
#include "base/durations.h"

namespace trellis::host {

enum class Proof : std::uint8_t { sealed, signature, none };  // none: it was no invocation

struct InvocationCells {
  std::array<std::array<std::uint64_t, Outcome::kCount>, 3> outcomes{};  // by Proof
  std::uint64_t request_bytes = 0, answer_bytes = 0;                     // payloads
  Durations durations;

  void add(Proof proof, Outcome outcome, std::chrono::nanoseconds took) {
    ++outcomes[static_cast<std::size_t>(proof)][outcome.index()];
    durations.add(took);
  }
  InvocationCells& operator+=(const InvocationCells& other) {
    for (std::size_t p = 0; p < outcomes.size(); ++p)
      for (std::size_t i = 0; i < Outcome::kCount; ++i) outcomes[p][i] += other.outcomes[p][i];
    request_bytes += other.request_bytes;
    answer_bytes += other.answer_bytes;
    durations += other.durations;
    return *this;
  }
};

}  // namespace trellis::host
