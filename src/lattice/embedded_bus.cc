#include "lattice/embedded_bus.h"

#include <utility>

#include "lattice/bus_requests.h"
#include "lattice/bus_router.h"
#include "lattice/front_door.h"

namespace trellis::lattice {

namespace {

using namespace std::chrono_literals;

class EmbeddedBusImpl final : public EmbeddedBus {
 public:
  EmbeddedBusImpl(std::shared_ptr<BusRouter> router, std::shared_ptr<BusRequests> requests,
                  Subscription inbox, std::shared_ptr<FrontDoor> door,
                  std::size_t payload_bytes_max)
      : router_(std::move(router)),
        requests_(std::move(requests)),
        inbox_(std::move(inbox)),
        door_(std::move(door)),
        payload_bytes_max_(payload_bytes_max) {}
  ~EmbeddedBusImpl() override {
    requests_->close();
    if (door_) door_->shut();
    router_->close();
  }

  Result<void> publish(Message message) override { return router_->publish(std::move(message)); }
  Result<Subscription> subscribe(std::string subject, std::string queue_group,
                                 std::function<void(const Message&)> handler) override {
    return router_->subscribe(std::move(subject), std::move(queue_group), std::move(handler));
  }
  runtime::Task<Message> request(Message message, runtime::Deadline deadline) override {
    return requests_->request(std::move(message), deadline);
  }
  runtime::Task<std::vector<Message>> collect(Message message,
                                              runtime::Deadline deadline) override {
    return requests_->collect(std::move(message), deadline);
  }
  void watch_interest(std::string subject, std::function<void(bool)> tell) override {
    router_->watch_interest(std::move(subject), std::move(tell));
  }
  std::size_t payload_bytes_max() const override { return payload_bytes_max_; }
  BusNumbers numbers() const override { return router_->numbers(); }
  std::string describe() const override {
    return door_ ? "embedded bus on " + door_->address() : "embedded bus without a front door";
  }
  std::uint16_t port() const override { return door_ ? door_->port() : 0; }
  std::size_t clients() const override { return door_ ? door_->clients() : 0; }
  runtime::Task<void> stop(runtime::Deadline deadline) override;

 private:
  std::shared_ptr<BusRouter> router_;
  std::shared_ptr<BusRequests> requests_;
  Subscription inbox_;
  std::shared_ptr<FrontDoor> door_;
  const std::size_t payload_bytes_max_;
};

runtime::Task<void> EmbeddedBusImpl::stop(runtime::Deadline deadline) {
  requests_->close();
  // What handlers still have to hear comes first: what they answer goes out through the door.
  while (!router_->idle() && !deadline.expired())
    CO_TRY_OK(co_await runtime::Core::current().sleep_until(runtime::Deadline::in(1ms)));
  if (door_) CO_TRY_OK(co_await door_->close(deadline));
  router_->close();
  co_return Result<void>();
}

}  // namespace

runtime::Task<std::unique_ptr<EmbeddedBus>> EmbeddedBus::start(EmbeddedBusOptions options) {
  auto router = std::make_shared<BusRouter>(
      BusRouter::Limits{options.payload_bytes_max, options.pending_bytes_max});
  const auto payload_bytes_max = options.payload_bytes_max;
  auto requests = std::make_shared<BusRequests>(
      [router](Message message) { return router->publish_heard(std::move(message)); });
  CO_TRY(auto inbox, router->subscribe(requests->inbox_pattern(), "",
                                       [weak = std::weak_ptr(requests)](const Message& message) {
                                         if (const auto strong = weak.lock())
                                           strong->answer(message);
                                       }));
  std::shared_ptr<FrontDoor> door;
  if (!options.address.empty()) {
    CO_TRY(door, FrontDoor::open(std::move(options), router));
  }
  std::unique_ptr<EmbeddedBus> bus = std::make_unique<EmbeddedBusImpl>(
      std::move(router), std::move(requests), std::move(inbox), std::move(door), payload_bytes_max);
  co_return bus;
}

}  // namespace trellis::lattice
