#include "lattice/front_door.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/log.h"
#include "lattice/nats_text.h"

namespace trellis::lattice {

namespace asio = runtime::asio;
using namespace std::chrono_literals;

namespace {

constexpr const char* kSite = "lattice.bus.listen";

Result<asio::ip::tcp::endpoint> parse_address(const std::string& text) {
  const auto colon = text.rfind(':');
  const auto wrong = [&] {
    return fail(
        Errc::invalid, kSite,
        fmt::format("'{}' is not an address; write it as 127.0.0.1:4222 or [::1]:4222", text));
  };
  if (colon == std::string::npos) return wrong();
  std::uint16_t port = 0;
  const auto [end, error] =
      std::from_chars(text.data() + colon + 1, text.data() + text.size(), port);
  if (error != std::errc() || end != text.data() + text.size()) return wrong();
  auto host = text.substr(0, colon);
  if (host == "localhost") host = "127.0.0.1";
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  boost::system::error_code bad;
  const auto address = asio::ip::make_address(host, bad);
  if (bad) return wrong();
  return asio::ip::tcp::endpoint(address, port);
}

std::string describe(const asio::ip::tcp::endpoint& endpoint) {
  const bool v6 = endpoint.address().is_v6();
  return fmt::format("{}{}{}:{}", v6 ? "[" : "", endpoint.address().to_string(), v6 ? "]" : "",
                     endpoint.port());
}

Error listen_error(const std::string& address, const boost::system::error_code& error) {
  namespace errc = boost::system::errc;
  const auto cannot = fmt::format("cannot listen on {}: ", address);
  if (error == errc::address_in_use)
    return {Errc::unavailable, kSite,
            cannot + "address already in use; is another host or a NATS server running there?"};
  if (error == errc::permission_denied)
    return {Errc::denied, kSite, cannot + "permission denied; ports below 1024 are for root"};
  if (error == errc::address_not_available)
    return {Errc::invalid, kSite, cannot + "this machine has no such address"};
  return {Errc::internal, kSite, cannot + error.message()};
}

}  // namespace

Result<std::shared_ptr<FrontDoor>> FrontDoor::open(EmbeddedBusOptions options,
                                                   std::shared_ptr<BusRouter> router) {
  std::shared_ptr<FrontDoor> door(new FrontDoor(std::move(options), std::move(router)));
  TRY_OK(door->listen());
  door->core_.spawn("bus front door", accept(door));
  door->core_.spawn("bus clients' time", tick(door));
  return door;
}

FrontDoor::FrontDoor(EmbeddedBusOptions options, std::shared_ptr<BusRouter> router)
    : options_(std::move(options)),
      router_(std::move(router)),
      core_(runtime::Core::current()),
      emptied_(core_) {}

FrontDoor::~FrontDoor() { shut(); }

Result<void> FrontDoor::listen() {
  TRY(endpoint_, parse_address(options_.address));
  acceptor_ = std::make_shared<Acceptor>(core_.executor());
  boost::system::error_code error;
  acceptor_->open(endpoint_.protocol(), error);
  if (!error) acceptor_->set_option(Acceptor::reuse_address(true), error);
  if (!error) acceptor_->bind(endpoint_, error);
  if (!error) acceptor_->listen(Acceptor::max_listen_connections, error);
  if (error) return fail(listen_error(options_.address, error));
  endpoint_ = acceptor_->local_endpoint(error);
  if (error) return fail(listen_error(options_.address, error));
  return {};
}

std::string FrontDoor::address() const { return describe(endpoint_); }

runtime::Task<void> FrontDoor::accept(std::weak_ptr<FrontDoor> weak) {
  const auto acceptor = weak.lock()->acceptor_;
  constexpr auto kAsValue = asio::as_tuple(asio::use_awaitable_t<runtime::Executor>());
  while (acceptor->is_open()) {
    auto [error, socket] = co_await acceptor->async_accept(kAsValue);
    const auto door = weak.lock();
    if (!door || door->closed_) break;
    if (error == asio::error::operation_aborted) break;
    if (!error) {
      door->welcome(std::move(socket));
      continue;
    }
    // Out of file descriptors, mostly: trying again at once would only burn the core.
    LOG(warn, "the bus cannot take a new client: {}", error.message());
    CO_TRY_OK(co_await door->core_.sleep_until(runtime::Deadline::in(100ms)));
  }
  co_return Result<void>();
}

void FrontDoor::welcome(BusClient::Socket socket) {
  boost::system::error_code ignored;
  socket.set_option(asio::ip::tcp::no_delay(true), ignored);
  const auto peer = socket.remote_endpoint(ignored);
  const auto id = ++last_id_;
  const auto greeting =
      nats_info_line({.server_id = options_.server_id,
                      .host = endpoint_.address().to_string(),
                      .port = endpoint_.port(),
                      .client_id = id,
                      .client_ip = peer.address().to_string(),
                      .payload_max = options_.payload_bytes_max,
                      .auth_required = !options_.auth_token.empty() || !options_.user.empty()});
  const auto client = std::make_shared<BusClient>(id, std::move(socket), options_, router_, *this);
  const bool full = clients_.size() >= options_.clients_max;
  clients_.emplace(id, client);
  core_.spawn("bus client", BusClient::run(client, greeting));
  if (full) client->close_with("Maximum Connections Exceeded");
}

runtime::Task<void> FrontDoor::tick(std::weak_ptr<FrontDoor> weak) {
  for (;;) {
    auto door = weak.lock();
    if (!door || door->closed_) break;
    const auto period =
        std::clamp<std::chrono::milliseconds>(door->options_.ping_interval / 4, 10ms, 250ms);
    auto& core = door->core_;
    door.reset();
    CO_TRY_OK(co_await core.sleep_until(runtime::Deadline::in(period)));
    if ((door = weak.lock())) door->tick_all();
  }
  co_return Result<void>();
}

void FrontDoor::tick_all() {
  const auto now = BusClient::Clock::now();
  for (const auto& [id, client] : clients_) client->tick(now);
}

void FrontDoor::flush_soon(BusClient& client) {
  if (client.exchange_dirty(true)) return;
  dirty_.push_back(client.shared_from_this());
  if (dirty_.size() > 1) return;
  asio::post(core_.io(), [weak = weak_from_this()] {
    if (const auto door = weak.lock()) door->flush_all();
  });
}

void FrontDoor::flush_all() {
  // A flush may ask for another one, which is for the next turn.
  const auto clients = std::exchange(dirty_, {});
  for (const auto& client : clients) {
    client->exchange_dirty(false);
    client->flush();
  }
}

void FrontDoor::left(BusClient& client) {
  clients_.erase(client.id());
  if (clients_.empty() && closed_) emptied_.wake();
}

runtime::Task<void> FrontDoor::close(runtime::Deadline deadline) {
  const auto self = shared_from_this();
  closed_ = true;
  boost::system::error_code ignored;
  acceptor_->close(ignored);
  for (const auto& [id, client] : clients_) client->close_with("");
  while (!clients_.empty() && !deadline.expired()) {
    if (co_await emptied_.wait(deadline.earlier_of(runtime::Deadline::in(50ms))) ==
        runtime::Wake::cancelled)
      break;
    tick_all();
  }
  shut();
  co_return Result<void>();
}

void FrontDoor::shut() {
  closed_ = true;
  boost::system::error_code ignored;
  if (acceptor_) acceptor_->close(ignored);
  for (const auto& [id, client] : std::exchange(clients_, {})) client->disown();
  dirty_.clear();
}

}  // namespace trellis::lattice
