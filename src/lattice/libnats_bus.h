// For tests: a Bus made of libnats, the NATS client library of others, so that the front door is
// tried by a client we did not write. Used on the server's core: whatever libnats may wait for,
// also its locks, which it holds while it waits for the server, must run on the Offload.
#pragma once

#include <nats/nats.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "lattice/bus.h"
#include "runtime/offload.h"

namespace trellis::lattice {

class LibnatsBus final : public Bus {
 public:
  struct Options {
    std::string url;
    std::string user{}, password{}, token{};
    std::chrono::milliseconds reconnect_wait{20};
    std::function<void()> reconnected{};  // runs on the core
  };
  static runtime::Task<std::unique_ptr<LibnatsBus>> connect(Options options);
  ~LibnatsBus() override;  // close() first

  runtime::Task<void> round_trip();  // the server has seen everything sent so far
  runtime::Task<void> close();

  Result<void> publish(Message message) override;
  Result<Subscription> subscribe(std::string subject, std::string queue_group,
                                 std::function<void(const Message&)> handler) override;
  runtime::Task<Message> request(Message message, runtime::Deadline deadline) override;
  runtime::Task<std::vector<Message>> collect(Message message, runtime::Deadline deadline) override;
  std::size_t payload_bytes_max() const override {
    return static_cast<std::size_t>(payload_bytes_max_);
  }
  std::string describe() const override { return "libnats"; }

 private:
  struct Listener;
  runtime::Task<std::vector<Message>> ask(Message message, std::size_t wanted,
                                          runtime::Deadline deadline);

  static void on_reconnected(natsConnection*, void* closure);

  std::function<void()> reconnected_;
  runtime::Core& core_ = runtime::Core::current();
  runtime::Offload offload_{1, 100'000};
  natsConnection* connection_ = nullptr;
  std::shared_ptr<std::atomic<int>> called_ =
      std::make_shared<std::atomic<int>>(0);  // listeners, by libnats
  std::int64_t payload_bytes_max_ = 0;
};

}  // namespace trellis::lattice
