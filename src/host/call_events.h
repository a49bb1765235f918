// Who wants to hear of every call. Calls are told to the lattice (wasmbus.rpcevt) only while
// somebody listens there, so that a call nobody watches costs one relaxed load.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string_view>
#include <utility>

#include "lattice/invocation.h"
#include "runtime/core.h"

namespace trellis::host {

class CallEvents {
 public:
  using Publish = std::function<void(lattice::Entity origin, lattice::Entity target,
                                     std::string operation, std::size_t bytes, bool succeeded)>;
  // `publish` runs on core 0.
  CallEvents(runtime::Cores& cores, Publish publish)
      : cores_(cores), publish_(std::move(publish)) {}

  void set_wanted(bool wanted) { wanted_.store(wanted, std::memory_order_relaxed); }
  bool wanted() const { return wanted_.load(std::memory_order_relaxed); }

  std::uint64_t dropped() const { return dropped_.load(std::memory_order_relaxed); }

  void tell(lattice::Entity origin, lattice::Entity target, std::string_view operation,
            std::size_t bytes, bool succeeded) {
    if (waiting_.fetch_add(1, std::memory_order_relaxed) >= kWaitingMax) {
      waiting_.fetch_sub(1, std::memory_order_relaxed);
      dropped_.fetch_add(1, std::memory_order_relaxed);
      return;  // whoever listens is slower than the calls; the calls go on
    }
    cores_[0].post([this, origin = std::move(origin), target = std::move(target),
                    operation = std::string(operation), bytes, succeeded] {
      waiting_.fetch_sub(1, std::memory_order_relaxed);
      publish_(origin, target, operation, bytes, succeeded);
    });
  }

 private:
  runtime::Cores& cores_;
  Publish publish_;
  static constexpr std::uint32_t kWaitingMax =
      10'000;  // events not yet published; more are dropped
  std::atomic<std::uint32_t> waiting_{0};
  std::atomic<bool> wanted_{false};
  std::atomic<std::uint64_t> dropped_{0};
};

}  // namespace trellis::host
