// What one listening address counts on one core: its connections and the requests on them. Written
// by net/ and by the provider that listens, on that core alone: plain integers.
#pragma once

#include <array>
#include <cstdint>

#include "base/durations.h"

namespace trellis {

struct HttpCells {
  std::uint64_t accepted = 0, open = 0;    // connections
  std::uint64_t full = 0;                  // accepting waited, for there were as many as may be
  std::uint64_t refused = 0;               // requests that nobody was asked about: malformed, slow
  std::uint64_t unavailable = 0;           // 503 among those below
  std::array<std::uint64_t, 6> answers{};  // by the first digit of their status
  Durations durations;                     // until the answer was there; not of what was refused

  void answered(std::uint16_t status) {
    ++answers[status / 100 < answers.size() ? status / 100 : 0];
    if (status == 503) ++unavailable;
  }
  HttpCells& operator+=(const HttpCells& other) {
    accepted += other.accepted;
    open += other.open;
    full += other.full;
    refused += other.refused;
    unavailable += other.unavailable;
    for (std::size_t i = 0; i < answers.size(); ++i) answers[i] += other.answers[i];
    durations += other.durations;
    return *this;
  }
};

}  // namespace trellis
