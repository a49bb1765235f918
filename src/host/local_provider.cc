#include "host/local_provider.h"

#include "codec/cloud_event.h"
#include "codec/msgpack.h"

namespace trellis::host {
namespace {

capability::BusAccess bus_access(const Parts& parts) {
  const auto& bus = parts.provider_bus;
  return {.url = (bus.tls ? "tls://" : "nats://") + bus.url,
          .jwt = bus.user_jwt,
          .seed = bus.user_seed,
          .ca_file = parts.config.nats_ca_file,
          .cert_file = parts.config.nats_cert_file,
          .key_file = parts.config.nats_key_file};
}

}  // namespace

LocalProvider::LocalProvider(Parts& parts, Delivery& delivery,
                             const builtin::BuiltinProvider& builtin, std::string link_name,
                             std::string config_json)
    : parts_(parts),
      delivery_(delivery),
      key_(builtin.info.public_key),
      link_name_(std::move(link_name)),
      instance_id_(codec::uuid4()),
      actors_(parts.router, lattice::Entity{key_, link_name_, builtin.info.contract_id}),
      provider_(builtin.make(
          {.cores = parts.cores,
           .actors = actors_,
           .link_name = link_name_,
           .config_json = std::move(config_json),
           .rpc_timeout = parts.config.rpc_timeout,
           .data_dir = builtin::data_dir_of(builtin, parts.config.data_dir, parts.config.lattice),
           .bus = bus_access(parts)})) {}

LocalProvider::~LocalProvider() = default;

runtime::Task<void> LocalProvider::start() { co_return subscribe(); }

Result<void> LocalProvider::subscribe() {
  TRY(auto calls, delivery_.serve_provider(key_, link_name_, provider_));
  auto& bus = parts_.bus;
  TRY(auto health,
      bus.subscribe(parts_.subjects.provider_health(key_, link_name_), "",
                    [&bus](const lattice::Message& message) {
                      lattice::Message reply{
                          .subject = message.reply, .reply = {}, .headers = {}, .data = {}};
                      codec::MsgpackWriter out(reply.data);
                      out.map(1);
                      out.str("healthy");
                      out.boolean(true);
                      if (!reply.subject.empty()) (void)bus.publish(std::move(reply));
                    }));
  subscriptions_.push_back(std::move(calls));
  subscriptions_.push_back(std::move(health));
  return {};
}

runtime::Task<void> LocalProvider::link_put(lattice::Link link) {
  return provider_->link_put(std::move(link));
}

runtime::Task<void> LocalProvider::link_delete(lattice::Link link) {
  return provider_->link_delete(std::move(link));
}

runtime::Task<void> LocalProvider::health() { return provider_->health(); }

runtime::Task<void> LocalProvider::stop(runtime::Deadline deadline) {
  subscriptions_.clear();
  co_return co_await provider_->stop(deadline);
}

}  // namespace trellis::host
