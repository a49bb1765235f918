#include "host/host_bus.h"

#include <fmt/format.h>

#include "base/log.h"

namespace trellis::host {
namespace {

// host:port, with brackets around a bare IPv6 address.
std::string join(const std::string& host, std::uint16_t port) {
  return lattice::NatsServer{host, port}.address();
}

// What a process of this machine connects to when something listens on `host`.
std::string reachable_host(const std::string& host) {
  if (host == "0.0.0.0") return "127.0.0.1";
  if (host == "::" || host == "[::]") return "[::1]";
  return host;
}

lattice::NatsBusOptions nats_options(const Config& config, const BusConnection& connection,
                                     std::string name) {
  lattice::NatsBusOptions options;
  options.servers = {{connection.host, connection.port}};
  options.connection.name = std::move(name);
  options.connection.credentials.jwt = connection.jwt;
  options.connection.credentials.seed = connection.seed;
  options.connection.tls = {.required = connection.tls,
                            .ca_file = config.nats_ca_file,
                            .cert_file = config.nats_cert_file,
                            .key_file = config.nats_key_file};
  return options;
}

}  // namespace

runtime::Task<std::unique_ptr<HostBus>> HostBus::start(const Config& config,
                                                       const Identity& identity, Changed changed) {
  std::unique_ptr<HostBus> made(new HostBus);
  made->changed_ = std::move(changed);
  CO_TRY_OK(co_await (config.join_nats ? made->join_nats(config, identity)
                                       : made->start_embedded(config, identity)));
  co_return made;
}

runtime::Task<void> HostBus::start_embedded(const Config& config, const Identity& identity) {
  lattice::EmbeddedBusOptions options;
  options.address = join(config.rpc.host, config.rpc.port);
  options.server_id = identity.host.public_key();
  CO_TRY(embedded_, co_await lattice::EmbeddedBus::start(std::move(options)));
  control_host_ = config.rpc.host;
  control_port_ = embedded_->port() != 0 ? embedded_->port() : config.rpc.port;
  for_providers_.url = join(reachable_host(config.rpc.host), embedded_->port());
  co_return Result<void>();
}

runtime::Task<void> HostBus::join_nats(const Config& config, const Identity& identity) {
  const auto tell = [this](bool connected, const std::string& why) {
    connection_changed(connected, why);
  };
  const auto& key = identity.host.public_key();
  auto options = nats_options(config, config.rpc, fmt::format("trellis {}", key));
  options.changed = tell;
  CO_TRY(rpc_, co_await lattice::NatsBus::start(std::move(options)));
  if (config.control != config.rpc) {
    auto control = nats_options(config, config.control, fmt::format("trellis {} control", key));
    control.changed = tell;
    auto started = co_await lattice::NatsBus::start(std::move(control));
    if (!started) {
      CO_TRY_OK(co_await rpc_->stop(runtime::Deadline::in(std::chrono::seconds(1))));
      co_return fail(std::move(started).error());
    }
    control_ = *std::move(started);
  }
  control_host_ = config.control.host;
  control_port_ = config.control.port;
  for_providers_ = {.url = join(config.provider_rpc.host, config.provider_rpc.port),
                    .user_jwt = config.provider_rpc.jwt,
                    .user_seed = config.provider_rpc.seed,
                    .tls = config.provider_rpc.tls};
  co_return Result<void>();
}

bool HostBus::connected() const {
  return embedded_ || (rpc_ && rpc_->connected() && (!control_ || control_->connected()));
}

HostBus::Numbers HostBus::numbers() const {
  Numbers numbers;
  numbers.rpc = embedded_ ? embedded_->numbers() : rpc_->numbers();
  if (control_) numbers.control = control_->numbers();
  if (embedded_) numbers.clients = embedded_->clients();
  return numbers;
}

void HostBus::connection_changed(bool is_back, const std::string& why) {
  if (changed_ && (connected() || !is_back)) changed_(is_back, why);
}

runtime::Task<void> HostBus::stop(runtime::Deadline deadline) {
  Result<void> result;
  if (embedded_) result = co_await embedded_->stop(deadline);
  if (control_) result = co_await control_->stop(deadline);
  if (rpc_) {
    auto stopped = co_await rpc_->stop(deadline);
    if (result) result = std::move(stopped);
  }
  co_return result;
}

}  // namespace trellis::host
