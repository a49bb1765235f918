// Why guest code stopped, in words.
#pragma once

#include <string>

#include "engine/c_handle.h"
#include "engine/guest.h"

namespace trellis::engine {

// How an operation of the engine ended: both empty when it went well.
struct Outcome {
  TrapHandle trap;
  ErrorHandle error;
  bool ok() const { return !trap && !error; }
};

// "unreachable code was executed (a panic or abort); backtrace: panic < handle < __guest_call"
std::string trap_text(const Outcome& outcome, const Guest& guest);

}  // namespace trellis::engine
