// One core's part of an HttpServer: its listening socket, its connections, and the sweep that looks
// at their deadlines. Created, used and emptied on its core.
#pragma once

#include <memory>
#include <optional>

#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/intrusive/list.hpp>

#include "net/connection_base.h"
#include "runtime/core.h"
#include "runtime/parking.h"
#include "runtime/task_group.h"

namespace trellis::net {

class Listener {
 public:
  // `tls` is null for plain HTTP. Takes the file descriptor.
  Listener(runtime::Core& core, const HttpServerOptions& options, HttpHandler& handler,
           std::shared_ptr<TlsContext> tls);

  Result<void> start(int socket, int family);

  // For connections from now on.
  void use(std::shared_ptr<TlsContext> tls) { tls_ = std::move(tls); }

  // Every answer ends its connection from now on.
  void leave() { home_.leaving = true; }

  // The port is free of this core as soon as it is called; returns when every connection has ended.
  runtime::Task<void> close(runtime::Deadline deadline);

 private:
  using Acceptor = asio::basic_socket_acceptor<asio::ip::tcp, runtime::Executor>;

  runtime::Task<void> accept_always();
  runtime::Task<void> sweep_always();
  runtime::Task<void> wait_for_room();
  runtime::Task<void> after_accept_error(const boost::system::error_code& ec);
  void admit(Socket socket);
  void admit_those_that_wait(std::size_t max);
  runtime::Task<void> serve(std::unique_ptr<ConnectionBase> connection);
  void look_at_the_clock();

  runtime::Core& core_;
  const HttpServerOptions& options_;
  std::shared_ptr<TlsContext> tls_;
  ConnectionHome home_;
  Acceptor acceptor_;
  std::chrono::milliseconds sweep_interval_;
  std::chrono::system_clock::time_point date_made_at_{};
  TimePoint complained_at_{};
  boost::intrusive::list<ConnectionBase> connections_;
  std::optional<runtime::Parking> room_;  // accepting waits here while connections_ is full
  runtime::TaskGroup sessions_;
  runtime::TaskGroup duties_;  // accepting and sweeping
};

}  // namespace trellis::net
