// The front door of the embedded bus: the listener, the clients that came in, the time that passes
// for them. Shared by EmbeddedBus and its accept loop; core 0.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "lattice/bus_client.h"
#include "lattice/bus_router.h"
#include "lattice/embedded_bus.h"
#include "runtime/core.h"
#include "runtime/parking.h"

namespace trellis::lattice {

class FrontDoor final : public BusClientOwner, public std::enable_shared_from_this<FrontDoor> {
 public:
  // Listens; errors name the address and the reason.
  static Result<std::shared_ptr<FrontDoor>> open(EmbeddedBusOptions options,
                                                 std::shared_ptr<BusRouter> router);
  ~FrontDoor();

  std::string address() const;  // with the port that was taken
  std::uint16_t port() const { return endpoint_.port(); }
  std::size_t clients() const { return clients_.size(); }

  // Nobody comes in any more; clients get what waits for them, until the deadline.
  runtime::Task<void> close(runtime::Deadline deadline);
  void shut();  // now: what close() ends with

  void flush_soon(BusClient& client) override;
  void left(BusClient& client) override;

 private:
  using Endpoint = runtime::asio::ip::tcp::endpoint;
  using Acceptor = runtime::asio::basic_socket_acceptor<runtime::asio::ip::tcp, runtime::Executor>;

  FrontDoor(EmbeddedBusOptions options, std::shared_ptr<BusRouter> router);
  Result<void> listen();
  static runtime::Task<void> accept(std::weak_ptr<FrontDoor> door);
  static runtime::Task<void> tick(std::weak_ptr<FrontDoor> door);
  void welcome(BusClient::Socket socket);
  void tick_all();
  void flush_all();

  EmbeddedBusOptions options_;
  std::shared_ptr<BusRouter> router_;
  runtime::Core& core_;
  Endpoint endpoint_;
  std::shared_ptr<Acceptor> acceptor_;  // shared with the accept loop
  std::unordered_map<std::uint64_t, std::shared_ptr<BusClient>> clients_;
  std::vector<std::shared_ptr<BusClient>> dirty_;  // to be flushed this turn
  runtime::Parking emptied_;                       // where close() waits
  std::uint64_t last_id_ = 0;
  bool closed_ = false;
};

}  // namespace trellis::lattice
