#include "host/provider_table.h"

#include <fmt/format.h>

#include <boost/json/serialize.hpp>

#include "base/log.h"
#include "codec/msgpack.h"

namespace trellis::host {
namespace {

using namespace std::chrono_literals;

constexpr const char* kSite = "host.providers";
constexpr std::uint32_t kLinkChangesQueuedMax = 20'000;
constexpr auto kLinkChangeTimeout = 30s;
constexpr auto kStopTimeout = 10s;
constexpr auto kHealthTimeout = 2s;
constexpr auto kStopPoll = 10ms;

enum class Health { unknown, healthy, unhealthy };

lattice::ClaimsRecord record_of(const capability::ProviderInfo& info) {
  return {.subject = info.public_key,
          .issuer = "",
          .name = info.name,
          .call_alias = "",
          .version = info.version,
          .revision = std::to_string(info.revision),
          .caps = {},
          .tags = {}};
}

std::string known_names() {
  std::string names;
  for (const auto& provider : builtin_providers()) {
    names += names.empty() ? "" : ", ";
    names += provider.references.front();
  }
  return names;
}

// A provider has one link name, so a link to it is known by its actor and its contract.
using LinkKey = std::pair<std::string, std::string>;
LinkKey key_of(const lattice::Link& link) { return {link.actor_id, link.contract_id}; }

}  // namespace

struct ProviderTable::Running {
  capability::ProviderInfo info;
  std::string image_ref, link_name, instance_id;
  control::StringMap annotations;
  std::unique_ptr<LinkedActors> actors;  // outlives the provider
  std::shared_ptr<capability::Provider> provider;
  std::map<LinkKey, control::LinkStatus> links;
  std::vector<lattice::Subscription> subscriptions;
  runtime::Admission turn{1, kLinkChangesQueuedMax};  // one link change at a time
  Health health = Health::unknown;
  bool stopping = false, stopped = false;
};

ProviderTable::ProviderTable(Parts& parts, Delivery& delivery,
                             std::function<runtime::Task<void>()> routes_changed)
    : parts_(parts), delivery_(delivery), routes_changed_(std::move(routes_changed)) {}
ProviderTable::~ProviderTable() = default;

// --- start and stop ---

Result<std::shared_ptr<ProviderTable::Running>> ProviderTable::make(
    const control::StartProvider& request) {
  const auto* builtin = find_builtin(request.provider_ref);
  if (builtin == nullptr) {
    return fail(
        Errc::not_found, kSite,
        fmt::format(
            "{} is not a provider this host has within itself (it has: {}, any version); starting "
            "provider archives is not supported by this version",
            request.provider_ref, known_names()));
  }
  if (!lattice::valid_token(request.link_name)) {
    return fail(Errc::invalid, kSite,
                fmt::format("link name '{}' must be one word without '.', '*', '>' or blanks",
                            request.link_name));
  }
  if (providers_.contains({builtin->info.public_key, request.link_name})) {
    return fail(Errc::invalid, kSite, "Provider is already running on this host");
  }
  auto running = std::make_shared<Running>();
  running->info = builtin->info;
  running->image_ref = request.provider_ref;
  running->link_name = request.link_name;
  running->instance_id = codec::uuid4();
  running->annotations = request.annotations;
  running->actors = std::make_unique<LinkedActors>(
      parts_.router,
      lattice::Entity{running->info.public_key, request.link_name, running->info.contract_id});
  running->provider = builtin->make({.cores = parts_.cores,
                                     .actors = *running->actors,
                                     .link_name = request.link_name,
                                     .config_json = request.configuration,
                                     .rpc_timeout = parts_.config.rpc_timeout});
  return running;
}

runtime::Task<void> ProviderTable::start(control::StartProvider request) {
  auto running = make(request);
  auto outcome = running ? co_await run(*running) : Result<void>(fail(running.error()));
  if (!outcome) {
    LOG(error, "provider {} did not start: {}", request.provider_ref, outcome.error().describe());
    parts_.events.publish(parts_.events.make.provider_start_failed(
        request.provider_ref, request.link_name, outcome.error().detail));
  }
  co_return outcome;
}

runtime::Task<void> ProviderTable::run(std::shared_ptr<Running> running) {
  providers_[{running->info.public_key, running->link_name}] = running;
  if (auto subscribed = subscribe(running); !subscribed) {
    providers_.erase({running->info.public_key, running->link_name});
    co_return subscribed;
  }
  for (const auto& link : parts_.state.links()) {
    if (running_for(link) == running) CO_TRY_OK(co_await put(running, link));
  }
  CO_TRY_OK(co_await routes_changed_());
  parts_.tasks.spawn("storing claims", store(record_of(running->info), running->image_ref));
  if (running->stopping) co_return Result<void>{};  // stopped while it started: that was told
  publish_started(*running);
  LOG(info, "provider {} ({}) runs from {}, link name {}", running->info.name,
      running->info.public_key, running->image_ref, running->link_name);
  co_return Result<void>{};
}

runtime::Task<void> ProviderTable::store(lattice::ClaimsRecord record, std::string reference) {
  const std::string key = record.subject;
  CO_TRY_OK(co_await parts_.state.put_claims(std::move(record)));
  co_return co_await parts_.state.put_reference(std::move(reference), key);
}

Result<void> ProviderTable::subscribe(std::shared_ptr<Running> running) {
  const auto& key = running->info.public_key;
  const auto& link_name = running->link_name;
  TRY(auto calls, delivery_.serve_provider(key, link_name, running->provider));
  auto& bus = parts_.bus;
  TRY(auto health,
      bus.subscribe(parts_.subjects.provider_health(key, link_name), "",
                    [&bus](const lattice::Message& message) {
                      lattice::Message reply{
                          .subject = message.reply, .reply = {}, .headers = {}, .data = {}};
                      codec::MsgpackWriter out(reply.data);
                      out.map(1);
                      out.str("healthy");
                      out.boolean(true);
                      if (!reply.subject.empty()) (void)bus.publish(std::move(reply));
                    }));
  running->subscriptions.push_back(std::move(calls));
  running->subscriptions.push_back(std::move(health));
  return {};
}

runtime::Task<void> ProviderTable::stop(control::StopProvider request) {
  const auto found = providers_.find({request.provider_ref, request.link_name});
  if (found == providers_.end()) {
    co_return fail(Errc::not_found, kSite,
                   fmt::format("No provider is running with public key {} and link name \"{}\"",
                               request.provider_ref, request.link_name));
  }
  co_return co_await take_down(found->second, runtime::Deadline::in(kStopTimeout));
}

runtime::Task<void> ProviderTable::stop_all(runtime::Deadline deadline) {
  const auto all = providers_;  // a copy: each leaves the table as it stops
  for (const auto& [key, running] : all) CO_TRY_OK(co_await take_down(running, deadline));
  co_return Result<void>{};
}

runtime::Task<void> ProviderTable::take_down(std::shared_ptr<Running> running,
                                             runtime::Deadline deadline) {
  if (std::exchange(running->stopping, true)) {  // somebody does: wait for it
    while (!running->stopped && !deadline.expired()) {
      CO_TRY_OK(co_await runtime::Core::current().sleep_until(runtime::Deadline::in(kStopPoll)));
    }
    co_return Result<void>{};
  }
  running->subscriptions.clear();
  // A link change in progress ends first; one that hangs past the deadline does not keep the
  // provider up.
  const auto turn = co_await running->turn.enter(deadline);
  auto stopped = co_await running->provider->stop(deadline);
  providers_.erase({running->info.public_key, running->link_name});
  running->stopped = true;
  CO_TRY_OK(co_await routes_changed_());
  const std::string reason = stopped ? "normal" : stopped.error().detail;
  parts_.events.publish(
      parts_.events.make.provider_stopped({running->info.public_key, running->link_name,
                                           running->info.contract_id, running->instance_id},
                                          reason));
  LOG(info, "provider {} ({}) stopped", running->info.name, running->info.public_key);
  co_return Result<void>{};
}

// --- links ---

std::shared_ptr<ProviderTable::Running> ProviderTable::running_for(
    const lattice::Link& link) const {
  const auto found = providers_.find({link.provider_id, link.link_name});
  return found == providers_.end() ? nullptr : found->second;
}

runtime::Task<void> ProviderTable::link_put(lattice::Link link) {
  auto running = running_for(link);
  if (!running || running->stopping) co_return Result<void>{};
  co_return co_await put(std::move(running), std::move(link));
}

runtime::Task<void> ProviderTable::put(std::shared_ptr<Running> running, lattice::Link link) {
  CO_TRY(const auto turn, co_await running->turn.enter(runtime::Deadline::in(kLinkChangeTimeout)));
  // Links change while this one waited: only the newest definition counts.
  const auto* newest = parts_.state.link(link.actor_id, link.contract_id, link.link_name);
  if (newest == nullptr || newest->provider_id != running->info.public_key || running->stopping) {
    co_return Result<void>{};
  }
  if (link.contract_id != running->info.contract_id) {
    const auto why = fmt::format("provider {} offers {}, not {}", running->info.name,
                                 running->info.contract_id, link.contract_id);
    running->links[key_of(link)] = {link.actor_id, "failed", why};
    LOG(error, "link {} → {}: {}", link.actor_id, link.provider_id, why);
    co_return Result<void>{};
  }
  auto done = co_await running->provider->link_put(*newest);
  auto& status = running->links[key_of(link)];
  status = {link.actor_id, done ? "active" : "failed",
            done ? running->provider->warning_about(*newest) : done.error().detail};
  if (done && !status.reason.empty()) {
    LOG(warn, "link {} → {} ({}): {}", link.actor_id, link.provider_id, link.link_name,
        status.reason);
  } else if (!done) {
    LOG(error, "link {} → {} ({}): {}; the link is kept, other links work on", link.actor_id,
        link.provider_id, link.link_name, done.error().describe());
  }
  co_return Result<void>{};
}

runtime::Task<void> ProviderTable::link_deleted(lattice::Link link) {
  auto running = running_for(link);
  if (!running || running->stopping) co_return Result<void>{};
  CO_TRY(const auto turn, co_await running->turn.enter(runtime::Deadline::in(kLinkChangeTimeout)));
  running->links.erase(key_of(link));
  if (link.contract_id != running->info.contract_id) co_return Result<void>{};  // it never took it
  co_return co_await running->provider->link_delete(std::move(link));
}

control::LinkStatus ProviderTable::status_of(const lattice::Link& link) const {
  const auto running = running_for(link);
  if (!running) {
    return {link.actor_id, "pending",
            fmt::format("provider {} with link name {} is not running on this host",
                        link.provider_id, link.link_name)};
  }
  const auto found = running->links.find(key_of(link));
  if (found == running->links.end())
    return {link.actor_id, "pending", "being handed to the provider"};
  return found->second;
}

// --- health and description ---

runtime::Task<void> ProviderTable::check_health() {
  const auto all = providers_;  // a copy: providers come and go while one answers
  for (const auto& [key, running] : all) {
    const auto well = co_await runtime::with_deadline<void>(
        running->provider->health(), runtime::Deadline::in(kHealthTimeout), "host.health");
    const Health health = well ? Health::healthy : Health::unhealthy;
    if (running->stopping || health == running->health) continue;
    const auto before = std::exchange(running->health, health);
    if (well) {
      parts_.events.publish(parts_.events.make.health_check_passed(key.first, key.second));
    } else {
      LOG(warn, "provider {} is not well: {}", running->info.name, well.error().describe());
      if (before == Health::healthy) {
        parts_.events.publish(parts_.events.make.health_check_failed(key.first, key.second));
      }
    }
  }
  co_return Result<void>{};
}

bool ProviderTable::running(const std::string& reference, const std::string& link_name) const {
  const auto* builtin = find_builtin(reference);
  return builtin != nullptr && providers_.contains({builtin->info.public_key, link_name});
}

std::shared_ptr<capability::Provider> ProviderTable::find(const std::string& key,
                                                          const std::string& link_name) const {
  const auto found = providers_.find({key, link_name});
  return found == providers_.end() || found->second->stopping ? nullptr : found->second->provider;
}

void ProviderTable::publish_started(const Running& running) {
  claims::ProviderClaims claims;
  claims.subject = running.info.public_key;
  claims.name = running.info.name;
  claims.contract_id = running.info.contract_id;
  claims.vendor = running.info.vendor;
  claims.ver = running.info.version;
  claims.rev = running.info.revision;
  const lattice::ProviderStarted started{.image_ref = running.image_ref,
                                         .link_name = running.link_name,
                                         .contract_id = running.info.contract_id,
                                         .instance_id = running.instance_id,
                                         .annotations = running.annotations};
  parts_.events.publish(parts_.events.make.provider_started(claims, started, now_unix()));
}

std::vector<control::ProviderDescription> ProviderTable::describe() const {
  std::vector<control::ProviderDescription> out;
  for (const auto& [key, running] : providers_) {
    control::ProviderDescription description{.id = running->info.public_key,
                                             .image_ref = running->image_ref,
                                             .link_name = running->link_name,
                                             .name = running->info.name,
                                             .contract_id = running->info.contract_id,
                                             .instance_id = running->instance_id,
                                             .revision = running->info.revision,
                                             .annotations = running->annotations,
                                             .links = {}};
    for (const auto& [of, status] : running->links) description.links.push_back(status);
    out.push_back(std::move(description));
  }
  return out;
}

std::vector<lattice::HeartbeatProvider> ProviderTable::heartbeat() const {
  std::vector<lattice::HeartbeatProvider> out;
  for (const auto& [key, running] : providers_) {
    out.push_back({running->info.public_key, running->link_name, running->info.contract_id,
                   running->instance_id});
  }
  return out;
}

}  // namespace trellis::host
