#include "running.h"

#include <fmt/format.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/log.h"

namespace trellis::provider_app {
namespace {

using namespace std::chrono_literals;

constexpr auto kFailedStartStopTime = 1s;

lattice::NatsBusOptions bus_options(const Settings& settings, const capability::HostData& data,
                                    const builtin::BuiltinProvider& provider) {
  lattice::NatsBusOptions options;
  options.servers = {settings.server};
  options.connection.name = fmt::format("trellis-provider {} {}", provider.name, data.link_name);
  options.connection.credentials.jwt = data.user_jwt;
  options.connection.credentials.seed = data.user_seed;
  options.connection.tls = settings.tls;
  options.changed = [](bool connected, const std::string& why) {
    if (connected)
      LOG(info, "connected to the lattice again");
    else
      LOG(warn, "the lattice cannot be reached: {}", why);
  };
  return options;
}

}  // namespace

Running::Running(const builtin::BuiltinProvider& provider, std::function<void()> request_stop)
    : builtin_(provider),
      request_stop_(std::move(request_stop)),
      waits_(runtime::Core::current()) {}

Running::~Running() = default;

runtime::Task<std::unique_ptr<Running>> Running::start(runtime::Cores& cores, Start start) {
  std::unique_ptr<Running> running(new Running(start.provider, start.request_stop));
  const auto opened = co_await running->open(cores, std::move(start));
  if (opened) co_return running;
  (void)co_await running->stop(runtime::Deadline::in(kFailedStartStopTime));
  co_return fail(opened.error());
}

runtime::Task<void> Running::open(runtime::Cores& cores, Start start) {
  auto cluster = claims::KeyPair::from_seed(start.data.invocation_seed);
  if (!cluster || cluster->type() != claims::KeyType::cluster)
    co_return fail(Errc::invalid, "provider_app.host_data",
                   "'invocation_seed' of the host's data is no seed of a cluster (SC…)");
  CO_TRY_OK(co_await connect(start));
  make_provider(cores, start, *cluster);
  CO_TRY_OK(co_await service_->start());
  waits_.spawn("the host's order to stop", wait_for_order());
  waits_.spawn("the host's end", wait_for_hosts_end(std::move(start.host)));
  LOG(info, "{} serves {} under link name {} in lattice {}, on the {}", builtin_.name,
      builtin_.info.contract_id, start.data.link_name, start.data.lattice, bus_->describe());
  co_return Result<void>{};
}

runtime::Task<void> Running::connect(const Start& start) {
  auto bus =
      co_await lattice::NatsBus::start(bus_options(start.settings, start.data, start.provider));
  if (!bus) {
    bus.error().detail = fmt::format("cannot join the lattice at {}: {}",
                                     start.settings.server.address(), bus.error().detail);
    co_return fail(std::move(bus).error());
  }
  bus_ = *std::move(bus);
  co_return Result<void>{};
}

void Running::make_provider(runtime::Cores& cores, Start& start, const claims::KeyPair& cluster) {
  const auto& data = start.data;
  // The bus within a host has no store, and takes large messages whole.
  large_ = std::make_unique<lattice::LargeMessages>(
      waits_, *bus_, bus_->server_info().jetstream ? data.lattice : "");
  actors_ = std::make_unique<capability::BusActors>(
      cores, *bus_, *large_,
      lattice::Entity{data.provider_key, data.link_name, builtin_.info.contract_id}, data.lattice,
      data.host_id, cluster);
  const auto told = data.rpc_timeout.count() > 0;
  auto provider = builtin_.make(
      {.cores = cores,
       .actors = *actors_,
       .link_name = data.link_name,
       .config_json = data.config_json,
       .rpc_timeout = told ? data.rpc_timeout : std::chrono::milliseconds(limits::kRpcTimeout),
       .data_dir = start.settings.data_dir,
       .bus = start.settings.bus});
  service_ =
      std::make_unique<capability::ProviderService>(*bus_, *large_, data, std::move(provider));
}

runtime::Task<void> Running::wait_for_order() {
  CO_TRY_OK(co_await service_->shutdown_asked());
  LOG(info, "the host asks for the end");
  request_stop_();
  co_return Result<void>{};
}

runtime::Task<void> Running::wait_for_hosts_end(Parent host) {
  CO_TRY_OK(co_await host_gone(std::move(host), STDIN_FILENO));
  LOG(warn, "the host that started this is gone");
  request_stop_();
  co_return Result<void>{};
}

runtime::Task<void> Running::stop(runtime::Deadline deadline) {
  waits_.cancel();
  while (waits_.size() > 0) (void)co_await waits_.join(runtime::Deadline::in(1s));
  Result<void> result;
  if (service_) result = co_await service_->stop(deadline);
  service_.reset();
  actors_.reset();
  large_.reset();
  if (bus_) {
    const auto closed = co_await bus_->stop(deadline);
    if (result) result = closed;
  }
  bus_.reset();
  co_return result;
}

}  // namespace trellis::provider_app
