#include "host/delivery.h"

#include <fmt/format.h>

#include "base/log.h"

namespace trellis::host {
namespace {

constexpr std::size_t kRunningMax = 5'000;  // invocations from the bus at once; more are refused

}  // namespace

Delivery::Delivery(Parts& parts)
    : parts_(parts),
      verifier_(
          {.cluster_issuers = parts.identity.cluster_issuers, .lattice = parts.config.lattice}) {}

Result<lattice::Subscription> Delivery::serve_actor(std::string actor_key) {
  const std::string subject = parts_.subjects.actor(actor_key);
  Target target{.key = std::move(actor_key), .link_name = {}, .provider = nullptr};
  return parts_.bus.subscribe(
      subject, subject,
      [this, target = std::move(target)](const lattice::Message& m) { receive(target, m); });
}

Result<lattice::Subscription> Delivery::serve_provider(
    std::string provider_key, std::string link_name,
    std::shared_ptr<capability::Provider> provider) {
  const std::string subject = parts_.subjects.provider(provider_key, link_name);
  Target target{.key = std::move(provider_key),
                .link_name = std::move(link_name),
                .provider = std::move(provider)};
  return parts_.bus.subscribe(
      subject, "rpc",
      [this, target = std::move(target)](const lattice::Message& m) { receive(target, m); });
}

void Delivery::receive(const Target& target, const lattice::Message& message) {
  parts_.tasks.spawn("invocation", answer(target, message.reply, message.data));
}

runtime::Task<void> Delivery::answer(Target target, std::string reply, Bytes data) {
  lattice::InvocationResponse response;
  auto invocation = lattice::decode_invocation(data);
  if (!invocation) {
    LOG(warn, "a message to {} is no invocation: {}", target.key, invocation.error().describe());
    response.error = "Failed to deserialize msgpack invocation";
  } else {
    response.invocation_id = invocation->id;
    auto result = co_await handle(std::move(target), *invocation);
    if (result) {
      response.content_length = result->size();
      response.msg = std::move(*result);
    } else {
      response.error = std::move(result.error().detail);
    }
  }
  if (reply.empty()) co_return Result<void>{};
  if (auto sent = send(reply, response); !sent) {  // too large for one message
    response.msg.clear();
    response.content_length.reset();
    response.error = sent.error().detail;
    co_return send(reply, response);
  }
  co_return Result<void>{};
}

Result<void> Delivery::send(const std::string& to, const lattice::InvocationResponse& response) {
  lattice::Message message;
  message.subject = to;
  message.data = lattice::encode(response);
  return parts_.bus.publish(std::move(message));
}

runtime::Task<Bytes> Delivery::handle(Target target, lattice::Invocation& invocation) {
  if (auto genuine = authenticate(target, invocation); !genuine) {
    LOG(warn, "refused an invocation of {} on {} from {}: {}", invocation.operation, target.key,
        invocation.origin.public_key, genuine.error().describe());
    co_return fail(std::move(genuine).error());
  }
  if (running_ >= kRunningMax) {
    co_return fail(
        Errc::exhausted, "delivery.admit",
        fmt::format("this host already runs {} calls from the lattice; try again", kRunningMax));
  }
  ++running_;
  auto result = co_await execute(std::move(target), invocation);
  --running_;
  co_return result;
}

Result<void> Delivery::authenticate(const Target& target, const lattice::Invocation& invocation) {
  if (invocation.content_length.value_or(0) > invocation.msg.size()) {
    return fail(Errc::exhausted, "delivery.chunked",
                "the payload was left in an object store, which the embedded bus does not have; "
                "send it in one message or join a NATS lattice");
  }
  return verifier_.verify(invocation, target.key, now_unix());
}

Result<lattice::Link> Delivery::authorize_provider_call(
    const Target& target, const lattice::Invocation& invocation) const {
  const auto& actor = invocation.origin.public_key;
  const auto* link = parts_.state.link(actor, invocation.target.contract_id, target.link_name);
  if (link == nullptr || link->provider_id != target.key) {
    return fail(Errc::denied, "delivery.link", fmt::format("unlinked actor: '{}'", actor));
  }
  return *link;
}

runtime::Task<Bytes> Delivery::execute(Target target, const lattice::Invocation& invocation) {
  const auto deadline = runtime::Deadline::in(limits::kGuestCallTimeout);
  if (target.provider) {
    CO_TRY(const lattice::Link link, authorize_provider_call(target, invocation));
    co_return co_await runtime::with_deadline<Bytes>(
        target.provider->handle(link, invocation.operation, invocation.msg, deadline), deadline,
        "delivery.provider");
  }
  next_core_ = (next_core_ + 1) % static_cast<unsigned>(parts_.cores.size());
  auto make = [this, &target, &invocation, deadline]() -> runtime::Task<Bytes> {
    return parts_.router.call_local_actor(invocation.origin, target.key, invocation.operation,
                                          invocation.msg, deadline);
  };
  co_return co_await parts_.cores.run_on<Bytes>(next_core_, make);
}

}  // namespace trellis::host
