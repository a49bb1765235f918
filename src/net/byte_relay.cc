#include "net/byte_relay.h"

#include <fmt/format.h>

#include <array>
#include <utility>
#include <vector>

#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "base/line_rate.h"
#include "base/log.h"
#include "net/bind.h"
#include "net/kept_sockets.h"
#include "runtime/lookup.h"
#include "runtime/parking.h"
#include "runtime/task_group.h"

namespace trellis::net {
namespace {

using namespace std::chrono_literals;
namespace asio = boost::asio;
using Socket = asio::basic_stream_socket<asio::ip::tcp, runtime::Executor>;
using Acceptor = asio::basic_socket_acceptor<asio::ip::tcp, runtime::Executor>;
using runtime::Deadline;
using runtime::Task;

constexpr auto kAcceptPause = 50ms;  // when descriptors or memory have run out

void set_options(Socket& socket) {
  boost::system::error_code ignored;
  socket.set_option(asio::ip::tcp::no_delay(true), ignored);
  socket.set_option(asio::socket_base::keep_alive(true), ignored);
  socket.non_blocking(true, ignored);
}

void cut(Socket& socket) {
  boost::system::error_code ignored;
  socket.close(ignored);
}

Task<Socket> connect_to(asio::ip::tcp::endpoint endpoint, std::string peer) {
  Socket socket(runtime::Core::current().executor());
  const auto [ec] = co_await socket.async_connect(endpoint, runtime::kAwait);
  if (!ec) co_return socket;
  co_return fail(runtime::error_from(ec, "net.relay", fmt::format("cannot connect to {}", peer)));
}

// Each address has its part of the time: one that does not answer leaves some to the next.
Task<Socket> connect(std::string host, std::uint16_t port, Deadline deadline) {
  const auto peer = fmt::format("{}:{}", host, port);
  CO_TRY(const auto endpoints, co_await runtime::look_up(std::move(host), port, deadline));
  std::size_t left = endpoints.size();
  Result<Socket> socket = fail(Errc::unavailable, "net.relay", peer + " has no address");
  for (const auto& endpoint : endpoints) {
    const auto latest = Deadline::in(
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline.remaining()) / left--);
    socket =
        co_await runtime::with_deadline<Socket>(connect_to(endpoint, peer), latest, "net.relay");
    if (socket || socket.error().code == Errc::cancelled) break;
  }
  co_return socket;
}

Task<std::size_t> write_some(Socket& to, asio::const_buffer bytes) {
  const auto [ec, n] = co_await to.async_write_some(bytes, runtime::kAwait);
  if (ec) co_return fail(runtime::error_from(ec, "net.relay", "cannot write"));
  co_return n;
}

// What the socket takes at once costs no deadline.
Task<void> write_all(Socket& to, asio::const_buffer bytes, std::chrono::milliseconds stall) {
  while (bytes.size() > 0) {
    boost::system::error_code ec;
    std::size_t n = to.write_some(bytes, ec);
    if (ec == asio::error::would_block) {
      CO_TRY(n, co_await runtime::with_deadline<std::size_t>(write_some(to, bytes),
                                                             Deadline::in(stall), "net.relay"));
    } else if (ec) {
      co_return fail(runtime::error_from(ec, "net.relay", "cannot write"));
    }
    bytes += n;
  }
  co_return Result<void>{};
}

// One way of one connection.
Task<void> pass(Socket& from, Socket& to, std::chrono::milliseconds stall,
                runtime::Parking& ended) {
  std::vector<std::uint8_t> buffer(limits::kRelayBufferBytes);
  for (;;) {
    const auto [ec, n] = co_await from.async_read_some(asio::buffer(buffer), runtime::kAwait);
    boost::system::error_code ignored;
    if (ec == asio::error::eof) {
      to.shutdown(Socket::shutdown_send, ignored);
      break;
    }
    if (ec || !co_await write_all(to, asio::buffer(buffer.data(), n), stall)) {
      cut(from);
      cut(to);
      break;
    }
  }
  ended.wake();
  co_return Result<void>{};
}

class Relay final : public ByteRelay {
 public:
  Relay(runtime::Core& core, Options options)
      : core_(core),
        options_(std::move(options)),
        acceptor_(core.executor()),
        sessions_(core),
        accepting_(core) {}

  Result<void> start() {
    TRY(auto address, parse_address(options_.address));
    TRY(auto sockets, listen_on(address, 1));
    boost::system::error_code ec;
    const auto family = address.storage.ss_family;
    acceptor_.assign(family == AF_INET6 ? asio::ip::tcp::v6() : asio::ip::tcp::v4(),
                     sockets.front().fd(), ec);
    if (ec) return fail(runtime::error_from(ec, "net.relay", "cannot listen"));
    sockets.front().release();
    port_ = address.port();
    accepting_.spawn("relay", accept_always());
    return {};
  }

  std::uint16_t port() const override { return port_; }
  std::size_t connections() const override { return sessions_.size(); }

  Task<void> close() override {
    boost::system::error_code ignored;
    if (acceptor_.is_open()) let_go(acceptor_.native_handle());
    acceptor_.close(ignored);
    accepting_.cancel();
    sessions_.cancel();
    co_await runtime::detail::join_always(accepting_);
    co_await runtime::detail::join_always(sessions_);
    co_return Result<void>{};
  }

 private:
  Task<void> accept_always() {
    while (acceptor_.is_open()) {
      auto [ec, socket] = co_await acceptor_.async_accept(runtime::kAwait);
      if (!acceptor_.is_open() || ec == asio::error::operation_aborted) break;
      if (ec) {
        complain(fmt::format("cannot accept a connection: {}", ec.message()));
        CO_TRY_OK(co_await core_.sleep_until(Deadline::in(kAcceptPause)));
      } else if (sessions_.size() >= options_.connections_max) {
        complain(fmt::format("there are {} connections already; another one is closed",
                             options_.connections_max));
      } else {
        sessions_.spawn("relayed connection", serve(std::move(socket)));
      }
    }
    co_return Result<void>{};
  }

  Task<void> serve(Socket client) {
    auto server = co_await runtime::with_deadline<Socket>(
        connect(options_.host, options_.port, Deadline::in(options_.connect_timeout)),
        Deadline::in(options_.connect_timeout), "net.relay");
    if (!server) {
      if (server.error().code != Errc::cancelled) complain(server.error().detail);
      co_return Result<void>{};
    }
    set_options(client);
    set_options(*server);
    runtime::Parking ended(core_);
    runtime::TaskGroup ways(core_);
    ways.spawn("relay", pass(client, *server, options_.stall_timeout, ended));
    ways.spawn("relay", pass(*server, client, options_.stall_timeout, ended));
    const auto how = co_await ended.wait();
    if (how == runtime::Wake::cancelled ||
        !co_await ways.join(Deadline::in(options_.stall_timeout))) {
      cut(client);
      cut(*server);
    }
    co_await runtime::detail::join_always(ways);
    co_return Result<void>{};
  }

  void complain(const std::string& what) {
    const auto count = complaints_.due(std::chrono::steady_clock::now());
    if (count == 0) return;
    LOG(warn, "the relay on {} to {}:{}: {}{}", options_.address, options_.host, options_.port,
        what, count > 1 ? fmt::format(" ({} such since the last line)", count) : "");
  }

  runtime::Core& core_;
  const Options options_;
  Acceptor acceptor_;
  std::uint16_t port_ = 0;
  log::LineRate complaints_;
  runtime::TaskGroup sessions_, accepting_;
};

}  // namespace

Result<std::unique_ptr<ByteRelay>> ByteRelay::listen(Options options) {
  auto relay = std::make_unique<Relay>(runtime::Core::current(), std::move(options));
  TRY_OK(relay->start());
  return Result<std::unique_ptr<ByteRelay>>(std::move(relay));
}

}  // namespace trellis::net
