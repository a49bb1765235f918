// What a listener knows of each of its connections, whatever they are made of: when the present
// wait is over, and how to end it. Deadlines are looked at by one sweep per listener, not by a
// timer each.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/intrusive/list.hpp>

#include "net/http_server.h"
#include "net/tls.h"
#include "runtime/task.h"

namespace trellis::net {

namespace asio = boost::asio;
using Socket = asio::basic_stream_socket<asio::ip::tcp, runtime::Executor>;
using TimePoint = std::chrono::steady_clock::time_point;

// A listener's side of its connections.
struct ConnectionHome {
  const HttpServerOptions& options;
  HttpHandler& handler;
  HttpCells& cells;             // of this core
  TimePoint now;                // of the last sweep: deadlines need no finer clock
  std::string server_and_date;  // made by the sweep
  bool leaving = false;         // every answer ends its connection
  bool closing = false;         // idle connections end at once as well
};

class ConnectionBase : public boost::intrusive::list_base_hook<> {
 public:
  virtual ~ConnectionBase() = default;
  // Serves until the connection ends; then it may be destroyed.
  virtual runtime::Task<void> run() = 0;

  // The sweep's look: ends the present wait when its time is over.
  void look(TimePoint now) {
    if (now < deadline_) return;
    deadline_ = TimePoint::max();
    expired_ = true;
    end_wait();
  }
  // The server closes: ends the wait for a request that has not begun.
  void close_if_idle() {
    if (idle_) end_wait();
  }

 protected:
  virtual void end_wait() = 0;  // the pending operation fails with operation_aborted

  TimePoint deadline_ = TimePoint::max();
  bool expired_ = false;
  bool idle_ = false;
};

std::unique_ptr<ConnectionBase> plain_connection(ConnectionHome& home, Socket socket,
                                                 std::string remote);
std::unique_ptr<ConnectionBase> tls_connection(ConnectionHome& home, Socket socket,
                                               std::string remote, TlsContext& tls);

}  // namespace trellis::net
