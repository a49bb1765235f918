// For the unit tests of rooms that wait: run a coroutine on real cores and block for its result.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <utility>

#include "runtime/core.h"

namespace trellis::runtime {

// Cores for one test, unpinned so that test processes do not crowd on the first hardware thread.
inline std::unique_ptr<Cores> test_cores(unsigned count = 1) {
  auto cores = Cores::start({.count = count, .pin = false});
  EXPECT_TRUE(cores.has_value());
  return std::move(*cores);
}

}  // namespace trellis::runtime
