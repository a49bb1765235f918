// For tests of this room: runs coroutines on a core and waits for them from the test's thread.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <utility>

#include "runtime/core.h"

namespace trellis::lattice {

// One core, unpinned. Tests step onto it with on_core(); what lives on the core is made and
// destroyed there.
class CoreTest : public ::testing::Test {
 protected:
  CoreTest() {
    auto started = runtime::Cores::start({.count = 1, .pin = false});
    EXPECT_TRUE(started) << started.error().describe();
    cores_ = *std::move(started);
  }

  template <class T>
  Result<T> on_core(std::function<runtime::Task<T>()> make) {
    return cores_->run_blocking<T>(0, std::move(make));
  }
  // Runs `work` there without waiting in it.
  void call_on_core(std::function<void()> work) {
    const auto done = on_core<void>([&]() -> runtime::Task<void> {
      work();
      co_return Result<void>();
    });
    EXPECT_TRUE(done) << done.error().describe();
  }

  std::unique_ptr<runtime::Cores> cores_;
};

}  // namespace trellis::lattice
