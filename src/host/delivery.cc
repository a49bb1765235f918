#include "host/delivery.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "base/log.h"

namespace trellis::host {
namespace {

constexpr std::uint64_t kTimeLeftMsMax = 3'600'000;
constexpr std::size_t kRunningMax = 5'000;  // invocations from the bus at once; more are refused
constexpr std::size_t kNamesBytesMax = 1024;
constexpr auto kFinishPoll = std::chrono::milliseconds(2);

}  // namespace

Delivery::Delivery(Parts& parts, const lattice::InvocationSeal& seal, lattice::LargeMessages& large,
                   CallEvents& events)
    : parts_(parts),
      seal_(seal),
      exchange_(parts.bus, large),
      events_(events),
      verifier_({.cluster_issuers = parts.identity.cluster_issuers,
                 .lattice = parts.config.lattice,
                 .seal = &seal}) {}

Result<lattice::Subscription> Delivery::serve_actor(std::string actor_key) {
  const std::string subject = parts_.subjects.actor(actor_key);
  return serve(subject, subject,
               {.key = std::move(actor_key), .link_name = {}, .provider = nullptr});
}

Result<lattice::Subscription> Delivery::serve_provider(
    std::string provider_key, std::string link_name,
    std::shared_ptr<capability::Provider> provider) {
  const std::string subject = parts_.subjects.provider(provider_key, link_name);
  return serve(subject, std::string(lattice::kProviderQueue),
               {.key = std::move(provider_key),
                .link_name = std::move(link_name),
                .provider = std::move(provider)});
}

Result<lattice::Subscription> Delivery::serve(const std::string& subject, const std::string& queue,
                                              Target target) {
  const auto handler = [this, target = std::move(target)](const lattice::Message& message) {
    receive(target, message);
  };
  TRY(auto signed_ones, parts_.bus.subscribe(subject, queue, handler));
  TRY(auto sealed_ones, parts_.bus.subscribe(seal_.subject(subject), queue, handler));
  const auto both = std::make_shared<std::pair<lattice::Subscription, lattice::Subscription>>(
      std::move(signed_ones), std::move(sealed_ones));
  return lattice::Subscription(
      [both] {
        both->first.reset();
        both->second.reset();
      },
      [both] {
        both->first.leave();
        both->second.leave();
      });
}

void Delivery::receive(const Target& target, const lattice::Message& message) {
  parts_.tasks.spawn("invocation", take(target, message));
}

runtime::Task<void> Delivery::take(Target target, lattice::Message message) {
  ++unanswered_;
  auto answered = co_await answer(std::move(target), std::move(message));
  --unanswered_;
  co_return answered;
}

runtime::Task<void> Delivery::finish(runtime::Deadline deadline) {
  while (unanswered_ > 0) {
    if (deadline.expired())
      co_return fail(Errc::timeout, "delivery.finish",
                     fmt::format("{} calls from the lattice are not answered", unanswered_));
    CO_TRY_OK(co_await runtime::Core::current().sleep_until(runtime::Deadline::in(kFinishPoll)));
  }
  co_return Result<void>{};
}

runtime::Task<void> Delivery::answer(Target target, lattice::Message message) {
  const auto begun = std::chrono::steady_clock::now();
  lattice::InvocationResponse response;
  auto invocation = lattice::decode_invocation(message.data);
  if (!invocation) {
    note_refused(fmt::format("a message to {}, which is no invocation: {}", target.key,
                             invocation.error().describe()));
    response.error = "Failed to deserialize msgpack invocation";
    cells_.add(Proof::none, Outcome::of(invocation.error()),
               std::chrono::steady_clock::now() - begun);
  } else {
    response.invocation_id = invocation->id;
    const auto proof = invocation->seal.empty() ? Proof::signature : Proof::sealed;
    auto result = co_await handle(std::move(target), message.subject, *invocation);
    cells_.add(proof, result ? Outcome::ok() : Outcome::of(result.error()),
               std::chrono::steady_clock::now() - begun);
    cells_.request_bytes += invocation->msg.size();
    if (result) cells_.answer_bytes += result->size();
    if (result) {
      response.content_length = result->size();
      response.msg = std::move(*result);
    } else {
      response.error = std::move(result.error().detail);
    }
  }
  co_return co_await exchange_.answer(std::move(message.reply), std::move(response),
                                      runtime::Deadline::in(limits::kGuestCallTimeout));
}

runtime::Task<Bytes> Delivery::handle(Target target, std::string_view subject,
                                      lattice::Invocation& invocation) {
  if (running_ >= kRunningMax) {
    tell_refused(target, invocation);
    co_return fail(
        Errc::exhausted, "delivery.admit",
        fmt::format("this host already runs {} calls from the lattice; try again", kRunningMax));
  }
  ++running_;
  auto result = co_await run(std::move(target), subject, invocation);
  --running_;
  co_return result;
}

runtime::Task<Bytes> Delivery::run(Target target, std::string_view subject,
                                   lattice::Invocation& invocation) {
  auto genuine = co_await exchange_.authenticate(verifier_, invocation, subject,
                                                 runtime::Deadline::in(limits::kGuestCallTimeout));
  if (!genuine) {
    note_refused(fmt::format("an invocation of {} on {} from {}: {}", invocation.operation,
                             target.key, invocation.origin.public_key, genuine.error().describe()));
    tell_refused(target, invocation);
    co_return fail(std::move(genuine).error());
  }
  co_return co_await execute(std::move(target), invocation);
}

// Whoever can publish can make this line: once a second is enough of it.
void Delivery::note_refused(const std::string& what) {
  const auto count = refused_.due(std::chrono::steady_clock::now());
  if (count == 0) return;
  LOG(warn, "refused {}{}", what,
      count > 1 ? fmt::format(" ({} in all since the last of these lines)", count) : "");
}

// What does not get as far as the router, which tells of the others. Hosts of 2022 told of calls of
// actors only; a provider is not theirs to tell of. The names are whatever somebody wrote there:
// long ones are no names.
void Delivery::tell_refused(const Target& target, const lattice::Invocation& invocation) {
  if (target.provider || !events_.wanted()) return;
  const auto& origin = invocation.origin;
  if (origin.public_key.size() + origin.contract_id.size() + origin.link_name.size() +
          invocation.operation.size() >
      kNamesBytesMax)
    return;
  events_.tell(origin, {.public_key = target.key, .link_name = {}, .contract_id = {}},
               invocation.operation, invocation.msg.size(), false);
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
  auto deadline = runtime::Deadline::in(limits::kGuestCallTimeout);
  if (invocation.time_left_ms)  // the caller waits no longer
    deadline = deadline.earlier_of(runtime::Deadline::in(std::chrono::milliseconds(
        std::min<std::uint64_t>(*invocation.time_left_ms, kTimeLeftMsMax))));
  if (target.provider) {
    CO_TRY(const lattice::Link link, authorize_provider_call(target, invocation));
    co_return co_await runtime::with_deadline<Bytes>(
        target.provider->handle(link, invocation.operation, invocation.msg, deadline), deadline,
        "delivery.provider");
  }
  next_core_ = (next_core_ + 1) % static_cast<unsigned>(parts_.cores.size());
  auto make = [this, &target, &invocation, deadline]() -> runtime::Task<Bytes> {
    return parts_.router.call_local_actor(invocation.origin, target.key, invocation.operation,
                                          invocation.msg, deadline, invocation.depth);
  };
  co_return co_await parts_.cores.run_on<Bytes>(next_core_, make);
}

}  // namespace trellis::host
