// One connection at the front door: reads commands, keeps its subscriptions, writes what they
// match. Messages of one turn of the loop go out in one write. Shared by FrontDoor and its own read
// loop; core 0. Ends when the peer goes, breaks the protocol, is stale, or does not read what it
// asked for.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/json/object.hpp>

#include "lattice/bus_router.h"
#include "lattice/embedded_bus.h"
#include "lattice/nats_parser.h"
#include "lattice/write_queue.h"

namespace trellis::lattice {

class BusClient;

// Who keeps the clients.
class BusClientOwner {
 public:
  virtual void flush_soon(BusClient& client) = 0;  // BusClient::flush() once, from the loop
  virtual void left(BusClient& client) = 0;        // it has ended and has no subscriptions

 protected:
  ~BusClientOwner() = default;
};

class BusClient : public std::enable_shared_from_this<BusClient> {
 public:
  using Socket = runtime::asio::basic_stream_socket<runtime::asio::ip::tcp, runtime::Executor>;
  using Clock = std::chrono::steady_clock;

  BusClient(std::uint64_t id, Socket socket, const EmbeddedBusOptions& options,
            std::shared_ptr<BusRouter> router, BusClientOwner& owner);
  ~BusClient();

  std::uint64_t id() const { return id_; }
  // The read loop; ends with the connection.
  static runtime::Task<void> run(std::shared_ptr<BusClient> self, std::string greeting);

  void flush();
  // Whether the owner has it on its list of clients to flush; gives what was before.
  bool exchange_dirty(bool dirty) { return std::exchange(dirty_, dirty); }
  void tick(Clock::time_point now);  // pings, time limits, what is to be said
  // Writes what waits, then closes; `error` goes last when it is not empty.
  void close_with(std::string_view error);
  void cut();     // now
  void disown();  // the owner goes: cut, and never call it again

 private:
  class ClientReceiver;
  friend class ClientReceiver;

  void handle_all();
  void handle(const NatsCommand& command);
  void connect(std::string_view json);
  bool authorized(const boost::json::object& options) const;
  void subscribe(const NatsCommand& command);
  void unsubscribe(const NatsCommand& command);
  void publish(const NatsCommand& command);
  void answer_no_responders(std::string_view reply);

  bool send(std::string_view text);
  bool send_message(std::string_view sid, Parcel& parcel);
  bool has_room(std::size_t bytes);
  void say_ok() {
    if (verbose_) send("+OK\r\n");
  }
  void write_some();
  void wait_until_writable();
  void drop_subscriptions();
  std::string describe() const;

  const std::uint64_t id_;
  Socket socket_;
  const EmbeddedBusOptions& options_;  // the owner's; not used after disown()
  std::shared_ptr<BusRouter> router_;
  BusClientOwner* owner_;
  NatsParser parser_;
  WriteQueue out_;
  std::unordered_map<std::string, std::unique_ptr<ClientReceiver>> receivers_;  // by sid

  // What nats-server assumes of a client that has not said CONNECT.
  bool verbose_ = true, pedantic_ = true, echo_ = true;
  bool headers_ = false, no_responders_ = false;
  bool authorized_;
  std::string name_;  // of the client program, for the log

  bool dirty_ = false;
  bool writing_ = false;  // waits until the socket takes more
  bool slow_ = false;     // to be cut
  bool closing_ = false;  // reads are thrown away; closes when everything is written
  bool open_ = true;
  unsigned pings_unanswered_ = 0;
  std::uint64_t dropped_ =
      0;  // messages of this client whose receivers had no room, since the last line
  Clock::time_point connected_at_, heard_at_, asked_at_, close_at_ = Clock::time_point::max();
};

}  // namespace trellis::lattice
