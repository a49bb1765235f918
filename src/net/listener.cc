#include "net/listener.h"

#include <unistd.h>

#include <algorithm>

#include "base/log.h"
#include "net/kept_sockets.h"
#include "net/response_head.h"

namespace trellis::net {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kAcceptsPerTurn = 64;
constexpr auto kAcceptPause = 50ms;       // when descriptors or memory have run out
constexpr auto kComplaintInterval = 10s;  // between two log lines about that

// Often enough for the shortest timeout, and for the Date header.
std::chrono::milliseconds interval_for(const HttpServerOptions& options) {
  const auto shortest = std::min(
      {options.header_timeout, options.body_timeout, options.idle_timeout, options.write_timeout});
  return std::clamp<std::chrono::milliseconds>(shortest / 8, 5ms, 500ms);
}

std::string text_of(const asio::ip::tcp::endpoint& peer) {
  const auto address = peer.address();
  return address.is_v6() ? fmt::format("[{}]:{}", address.to_string(), peer.port())
                         : fmt::format("{}:{}", address.to_string(), peer.port());
}

}  // namespace

Listener::Listener(runtime::Core& core, const HttpServerOptions& options, HttpHandler& handler,
                   std::shared_ptr<TlsContext> tls)
    : core_(core),
      options_(options),
      tls_(std::move(tls)),
      home_{options, handler, options.cells->here(), {}, {}},
      acceptor_(core.executor()),
      sweep_interval_(interval_for(options)),
      sessions_(core),
      duties_(core) {}

Result<void> Listener::start(int socket, int family) {
  boost::system::error_code ec;
  acceptor_.assign(family == AF_INET6 ? asio::ip::tcp::v6() : asio::ip::tcp::v4(), socket, ec);
  if (ec) {
    ::close(socket);
    return fail(runtime::error_from(ec, "net.listen", "cannot listen"));
  }
  acceptor_.non_blocking(true, ec);
  look_at_the_clock();
  duties_.spawn("http accept", accept_always());
  duties_.spawn("http sweep", sweep_always());
  return {};
}

runtime::Task<void> Listener::accept_always() {
  while (acceptor_.is_open()) {
    CO_TRY_OK(co_await wait_for_room());
    if (!acceptor_.is_open()) break;
    auto [ec, socket] = co_await acceptor_.async_accept(runtime::kAwait);
    if (!acceptor_.is_open()) break;
    if (ec) {
      CO_TRY_OK(co_await after_accept_error(ec));
      continue;
    }
    admit(std::move(socket));
    // All that wait, in this turn: beside computing guests turns are dear.
    admit_those_that_wait(kAcceptsPerTurn);
  }
  co_return Result<void>{};
}

void Listener::admit_those_that_wait(std::size_t max) {
  boost::system::error_code ec;
  for (; max > 0 && connections_.size() < options_.connections_max; --max) {
    Socket next(core_.executor());
    acceptor_.accept(next, ec);
    if (ec) break;
    admit(std::move(next));
  }
}

runtime::Task<void> Listener::wait_for_room() {
  if (connections_.size() < options_.connections_max) co_return Result<void>{};
  room_.emplace(core_);
  ++home_.cells.full;
  const auto how = co_await room_->wait();
  room_.reset();
  if (how == runtime::Wake::cancelled)
    co_return fail(Errc::cancelled, "net.accept", "no longer wanted");
  co_return Result<void>{};
}

// A connection that died in the queue is nothing; when the process has run out of something, trying
// again at once would spin, since the connection stays in the queue.
runtime::Task<void> Listener::after_accept_error(const boost::system::error_code& ec) {
  if (ec == asio::error::operation_aborted)
    co_return fail(Errc::cancelled, "net.accept", "no longer wanted");
  if (ec == asio::error::connection_aborted) co_return Result<void>{};
  if (home_.now - complained_at_ > kComplaintInterval) {
    complained_at_ = home_.now;
    LOG(warn, "cannot accept connections on {}: {}; trying again", options_.address, ec.message());
  }
  co_return co_await core_.sleep_until(runtime::Deadline::in(kAcceptPause));
}

void Listener::admit(Socket socket) {
  boost::system::error_code ec;
  const auto peer = socket.remote_endpoint(ec);
  if (ec) return;  // gone already
  socket.set_option(asio::ip::tcp::no_delay(true), ec);
  ++home_.cells.accepted;
  auto connection = tls_ != nullptr ? tls_connection(home_, std::move(socket), text_of(peer), *tls_)
                                    : plain_connection(home_, std::move(socket), text_of(peer));
  connections_.push_back(*connection);
  sessions_.spawn("http connection", serve(std::move(connection)));
}

runtime::Task<void> Listener::serve(std::unique_ptr<ConnectionBase> connection) {
  ++home_.cells.open;
  auto result = co_await connection->run();
  --home_.cells.open;
  connections_.erase(connections_.iterator_to(*connection));
  if (room_) room_->wake();
  co_return result;
}

runtime::Task<void> Listener::sweep_always() {
  for (;;) {
    CO_TRY_OK(co_await core_.sleep_until(runtime::Deadline::in(sweep_interval_)));
    look_at_the_clock();
    for (auto& connection : connections_) connection.look(home_.now);
  }
}

void Listener::look_at_the_clock() {
  home_.now = std::chrono::steady_clock::now();
  const auto date = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  if (date == date_made_at_) return;
  date_made_at_ = date;
  home_.server_and_date = server_and_date(options_.server_name, date);
}

runtime::Task<void> Listener::close(runtime::Deadline deadline) {
  boost::system::error_code ignored;
  // Whom the kernel has let in is somebody whose request is on its way.
  if (home_.leaving && acceptor_.is_open()) admit_those_that_wait(options_.connections_max);
  if (acceptor_.is_open()) let_go(acceptor_.native_handle());
  acceptor_.close(ignored);
  if (room_) room_->wake();
  if (home_.leaving && !connections_.empty()) {
    const auto moment = deadline.earlier_of(runtime::Deadline::in(limits::kHttpLeaveTime));
    (void)co_await sessions_.join(moment);  // each ends with its next answer
  }
  home_.closing = true;
  for (auto& connection : connections_) connection.close_if_idle();
  if (!co_await sessions_.join(deadline)) sessions_.cancel();
  co_await runtime::detail::join_always(sessions_);
  duties_.cancel();
  co_await runtime::detail::join_always(duties_);
  co_return Result<void>{};
}

}  // namespace trellis::net
