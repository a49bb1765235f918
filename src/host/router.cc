#include "host/router.h"

#include <fmt/format.h>

#include "base/log.h"
#include "base/unix_time.h"
#include "host/builtins.h"
#include "lattice/chunk_store.h"

namespace trellis::host {
namespace {

constexpr std::size_t kKeyLength = 56;

// The text every 2022 actor knows for "no answer came".
constexpr std::string_view kRequestTimeout = "Failed to perform RPC call: request timeout";

bool looks_like_actor_key(std::string_view target) {
  return target.size() == kKeyLength && target.front() == 'M';
}

lattice::Entity actor_entity(std::string_view key) {
  return {.public_key = std::string(key), .link_name = {}, .contract_id = {}};
}

// What an actor's claims say of a call to it. They were valid when it started; most never end, so
// that the time is seldom looked at.
Result<void> check_claims(const LocalActor& actor, const lattice::Entity& origin,
                          std::string_view operation) {
  const auto& claims = *actor.program().claims;
  if (claims.validity.expires && claims.validity.at(now_unix()) == claims::JwtState::expired)
    return fail(Errc::unauthenticated, "router.expired",
                fmt::format("Claims token expired: {} ({}) is not called any more; sign it anew, "
                            "with a higher revision, "
                            "and `wash ctl update actor`",
                            claims.name, claims.subject));
  if (origin.is_actor() || claims.has_capability(origin.contract_id)) return {};
  return fail(Errc::denied, "router.claim",
              fmt::format("Actor is missing the capability claim for \"{}\"", operation));
}

using Clock = std::chrono::steady_clock;

Outcome outcome_of(const Result<Bytes>& answer) {
  return answer ? Outcome::ok() : Outcome::of(answer.error());
}

constexpr const char* kProviderGaveNoAnswer = "router.provider";

// What the guest is told when its call failed: 2022's text where nobody answered, else the callee's
// own words; those a provider of this process has for a store or a server that cannot be reached,
// too.
Error as_guest_sees_it(Error error, std::string_view caller, std::string_view target,
                       std::string_view operation, bool in_process = false) {
  if (error.code != Errc::timeout && error.code != Errc::unavailable) return error;
  LOG(warn, "actor {} called {} of {}: {}", caller, operation, target, error.describe());
  if (error.code == Errc::timeout &&
      (!in_process || error.site == std::string_view(kProviderGaveNoAnswer)))
    error.detail = kRequestTimeout;
  return error;
}

}  // namespace

Router::Router(runtime::Cores& cores, engine::Engine& engine, RemoteCalls& remote,
               CallEvents& events, Policy* policy, Options options)
    : cores_(cores),
      engine_(engine),
      remote_(remote),
      events_(events),
      policy_(policy),
      options_(std::move(options)),
      per_core_(cores.size()) {
  for (auto& core : per_core_) core.table = std::make_shared<const RoutingTable>();
}

Router::~Router() = default;

// What goes through an object store may take longer (docs/protocol.md §3.6).
std::chrono::milliseconds Router::patience_for(std::size_t payload_bytes) const {
  if (payload_bytes <= lattice::kRequestBytesUnchunkedMax) return options_.rpc_timeout;
  return options_.rpc_timeout + lattice::kChunkedCallExtra;
}

Router::PerCore& Router::here() { return per_core_[runtime::Core::current().index()]; }

std::shared_ptr<LocalActor> Router::find_here(std::string_view actor_key) {
  auto& actors = here().actors;
  const auto found = actors.find(actor_key);
  return found == actors.end() ? nullptr : found->second;
}

runtime::Task<Bytes> Router::call_actor(const lattice::Entity& origin, std::string_view actor_key,
                                        std::string_view operation, BytesView payload,
                                        runtime::Deadline deadline, std::uint32_t depth) {
  if (auto actor = find_here(actor_key)) {
    co_return co_await run(std::move(actor), origin, operation, payload, deadline, depth);
  }
  auto answer = co_await remote_.call(origin, actor_entity(actor_key), std::string(operation),
                                      Bytes(payload.begin(), payload.end()), deadline, depth);
  if (!answer && answer.error().code == Errc::not_found) {
    co_return fail(Errc::not_found, "router.actor",
                   fmt::format("actor {} is not running on any host of lattice {}; start it with "
                               "`wash ctl start actor`",
                               actor_key, options_.lattice));
  }
  co_return answer;
}

runtime::Task<Bytes> Router::call_local_actor(const lattice::Entity& origin,
                                              std::string_view actor_key,
                                              std::string_view operation, BytesView payload,
                                              runtime::Deadline deadline, std::uint32_t depth) {
  auto actor = find_here(actor_key);
  if (!actor) {
    co_return fail(
        Errc::not_found, "router.local_actor",
        fmt::format("Actor {} is not running on this host. RPC call skipped.", actor_key));
  }
  co_return co_await run(std::move(actor), origin, operation, payload, deadline, depth);
}

runtime::Task<Bytes> Router::run(std::shared_ptr<LocalActor> actor, const lattice::Entity& origin,
                                 std::string_view operation, BytesView payload,
                                 runtime::Deadline deadline, std::uint32_t depth) {
  const auto begun = Clock::now();
  auto allowed = check_claims(*actor, origin, operation);
  if (allowed && policy_ != nullptr && !policy_->permits(origin, actor->program().key))
    allowed = co_await policy_->ask_for_call(origin, *actor->program().claims, deadline);
  Result<Bytes> answer = allowed ? co_await actor->call(operation, payload, deadline, depth)
                                 : Result<Bytes>(fail(std::move(allowed).error()));
  actor->cells().calls.add(operation, outcome_of(answer), Clock::now() - begun);
  if (events_.wanted()) {  // of what was refused, too
    events_.tell(origin, actor_entity(actor->program().key), operation, payload.size(),
                 answer.has_value());
  }
  co_return answer;
}

runtime::Task<Bytes> Router::call_from_actor(LocalActor& caller, GuestRequest request,
                                             runtime::Deadline deadline, std::uint32_t depth) {
  const auto& program = caller.program();
  if (is_builtin(request.target)) {
    if (!program.claims->has_capability(request.target)) {
      co_return fail(Errc::denied, "router.claim",
                     fmt::format("Invocation not authorized: missing capability claim for {}",
                                 request.target));
    }
    co_return call_builtin(request.target, request.operation, request.payload, program.key);
  }
  deadline = deadline.earlier_of(runtime::Deadline::in(patience_for(request.payload.size())));
  const auto table = here().table;
  if (const auto* link = table->find(program.key, request.target, request.binding)) {
    if (!program.claims->has_capability(request.target)) {
      link->calls->here().add(request.operation, Outcome::of(Errc::denied), {});
      co_return fail(Errc::denied, "router.claim",
                     fmt::format("Invocation not authorized: missing capability claim for {}",
                                 request.target));
    }
    co_return co_await call_provider(caller, *link, request, deadline, depth);
  }
  std::string target(request.target);
  if (!looks_like_actor_key(target)) {
    const auto alias = table->key_of_alias.find(request.target);
    if (alias == table->key_of_alias.end()) {
      co_return fail(
          Errc::not_found, "router.target",
          fmt::format("Call alias not found: {} on {}", request.target, options_.lattice));
    }
    target = alias->second;
  }
  if (depth >= limits::kCallDepthMax) {
    co_return fail(
        Errc::exhausted, "router.depth",
        fmt::format(
            "calls between actors are nested more than {} deep; {} calling {} ({}) is probably "
            "a cycle",
            limits::kCallDepthMax, program.key, target, request.operation));
  }
  const auto origin = actor_entity(program.key);
  auto answer =
      co_await call_actor(origin, target, request.operation, request.payload, deadline, depth + 1);
  if (events_.wanted()) {
    events_.tell(origin, actor_entity(target), request.operation, request.payload.size(),
                 answer.has_value());
  }
  if (!answer)
    co_return fail(
        as_guest_sees_it(std::move(answer).error(), program.key, target, request.operation));
  co_return answer;
}

runtime::Task<Bytes> Router::call_provider(LocalActor& caller, const RoutedLink& routed,
                                           const GuestRequest& request, runtime::Deadline deadline,
                                           std::uint32_t depth) {
  const auto& link = routed.link;
  const auto& key = caller.program().key;
  const auto target = [&link]() -> lattice::Entity {  // three strings: only where they are needed
    return {.public_key = link.provider_id,
            .link_name = link.link_name,
            .contract_id = link.contract_id};
  };
  const auto begun = Clock::now();
  Result<Bytes> answer =
      routed.provider
          ? co_await runtime::with_deadline<Bytes>(
                routed.provider->handle(link, request.operation, request.payload, deadline),
                deadline, kProviderGaveNoAnswer)
          : co_await remote_.call(actor_entity(key), target(), std::string(request.operation),
                                  Bytes(request.payload.begin(), request.payload.end()), deadline,
                                  depth + 1);
  routed.calls->here().add(request.operation, outcome_of(answer), Clock::now() - begun);
  if (events_.wanted()) {
    events_.tell(actor_entity(key), target(), request.operation, request.payload.size(),
                 answer.has_value());
  }
  // Another host may run it as well, so the bus is asked; when it finds nobody, this is why.
  if (!answer && answer.error().code == Errc::not_found && !routed.provider &&
      !routed.why_down.empty())
    co_return fail(Errc::unavailable, "router.provider_down", routed.why_down);
  if (!answer && answer.error().code == Errc::not_found && !routed.provider) {
    LOG(warn, "actor {} called {} of {}: no host of the lattice runs that provider", key,
        request.operation, link.provider_id);
    co_return fail(Errc::unavailable, "router.provider", std::string(kRequestTimeout));
  }
  if (!answer)
    co_return fail(as_guest_sees_it(std::move(answer).error(), key, link.provider_id,
                                    request.operation, routed.provider != nullptr));
  co_return answer;
}

runtime::Task<void> Router::install(ActorProgram program, std::uint32_t reuse_max) {
  co_return co_await cores_.on_each([this, program, reuse_max]() -> runtime::Task<void> {
    return [](Router& router, ActorProgram mine, std::uint32_t count) -> runtime::Task<void> {
      const std::string key = mine.key;
      router.here().actors[key] =
          std::make_shared<LocalActor>(router, router.engine_, std::move(mine), count);
      co_return Result<void>{};
    }(*this, program, reuse_max);
  });
}

runtime::Task<void> Router::set_reuse_max(std::string actor_key, std::uint32_t count) {
  co_return co_await cores_.on_each([this, actor_key, count]() -> runtime::Task<void> {
    return [](Router& router, std::string key, std::uint32_t n) -> runtime::Task<void> {
      if (auto actor = router.find_here(key)) actor->set_reuse_max(n);
      co_return Result<void>{};
    }(*this, actor_key, count);
  });
}

runtime::Task<void> Router::remove(std::string actor_key) {
  co_return co_await cores_.on_each([this, actor_key]() -> runtime::Task<void> {
    return [](Router& router, std::string key) -> runtime::Task<void> {
      router.here().actors.erase(key);
      co_return Result<void>{};
    }(*this, actor_key);
  });
}

runtime::Task<void> Router::set_table(std::shared_ptr<const RoutingTable> table) {
  co_return co_await cores_.on_each([this, table]() -> runtime::Task<void> {
    return [](Router& router, std::shared_ptr<const RoutingTable> shared) -> runtime::Task<void> {
      // A copy for each core: calls count references to it, which cores must not do together.
      router.here().table = std::make_shared<const RoutingTable>(*shared);
      co_return Result<void>{};
    }(*this, table);
  });
}

}  // namespace trellis::host
