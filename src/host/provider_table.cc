#include "host/provider_table.h"

#include <fmt/format.h>

#include "base/log.h"
#include "base/sentences.h"
#include "base/unix_time.h"
#include "host/local_provider.h"

namespace trellis::host {
namespace {

using namespace std::chrono_literals;

constexpr const char* kSite = "host.providers";
constexpr std::uint32_t kLinkChangesQueuedMax = 20'000;
constexpr auto kLinkChangeTimeout = 30s;
constexpr auto kStopTimeout = 10s;
constexpr auto kHealthTimeout = 2s;
constexpr auto kStopPoll = 10ms;
constexpr std::string_view kEntranceContract = "wasmcloud:httpserver";

enum class Health { unknown, healthy, unhealthy };

lattice::ClaimsRecord record_of(const claims::ProviderClaims& claims) {
  return {.subject = claims.subject,
          .issuer = claims.issuer,
          .name = claims.name,
          .call_alias = "",
          .version = claims.ver.value_or(""),
          .revision = std::to_string(claims.revision()),
          .caps = {},
          .tags = {}};
}

// As if it had come in an archive; nobody signed it.
claims::ProviderClaims claims_of(const capability::ProviderInfo& info) {
  claims::ProviderClaims claims;
  claims.subject = info.public_key;
  claims.name = info.name;
  claims.contract_id = info.contract_id;
  claims.vendor = info.vendor;
  claims.ver = info.version;
  claims.rev = info.revision;
  return claims;
}

std::string known_names() {
  std::string names;
  for (const auto& provider : builtin::builtin_providers()) {
    names += names.empty() ? "" : ", ";
    names += provider.references.empty() ? "builtin:" + provider.name : provider.references.front();
  }
  return names;
}

std::string_view word_for(ProviderState::Kind kind) {
  switch (kind) {
    case ProviderState::Kind::starting:
      return "starting";
    case ProviderState::Kind::running:
      return "running";
    case ProviderState::Kind::unhealthy:
      return "unhealthy";
    case ProviderState::Kind::down:
      return "down";
  }
  return "";
}

// A provider has one link name, so a link to it is known by its actor and its contract.
using LinkKey = std::pair<std::string, std::string>;
LinkKey key_of(const lattice::Link& link) { return {link.actor_id, link.contract_id}; }

bool may_pass(Errc code) {
  return code == Errc::unavailable || code == Errc::timeout || code == Errc::exhausted;
}

}  // namespace

struct ProviderTable::Entry {
  claims::ProviderClaims claims;
  std::string image_ref, link_name;
  std::string digest;  // of the artifact, when it came from one
  control::StringMap annotations;
  std::unique_ptr<RunningProvider> provider;
  std::map<LinkKey, control::LinkStatus> links;       // as a provider in this process answered
  std::map<LinkKey, lattice::Link> failed;            // of those, the ones worth trying again
  runtime::Admission turn{1, kLinkChangesQueuedMax};  // one link change at a time
  Health health = Health::unknown;
  std::string told_instance;  // of which the lattice was told that it started; "" when that stopped
  bool stopping = false, stopped = false;

  const std::string& key() const { return claims.subject; }
  bool takes(const lattice::Link& link) const { return link.contract_id == claims.contract_id; }
  std::string why_not(const lattice::Link& link) const {
    return fmt::format("provider {} offers {}, not {}", claims.name, claims.contract_id,
                       link.contract_id);
  }
};

ProviderTable::ProviderTable(Parts& parts, Delivery& delivery,
                             std::function<runtime::Task<void>()> routes_changed)
    : parts_(parts),
      delivery_(delivery),
      routes_changed_(std::move(routes_changed)),
      loader_(parts) {}
ProviderTable::~ProviderTable() = default;

// --- start and stop ---

runtime::Task<ProviderTable::EntryPtr> ProviderTable::make(control::StartProvider request) {
  if (!lattice::valid_token(request.link_name)) {
    co_return fail(Errc::invalid, kSite,
                   fmt::format("link name '{}' must be one word without '.', '*', '>' or blanks",
                               request.link_name));
  }
  auto entry = std::make_shared<Entry>();
  entry->image_ref = request.provider_ref;
  entry->link_name = request.link_name;
  entry->annotations = request.annotations;
  const auto* builtin = find_builtin(request.provider_ref);
  if (builtin != nullptr &&
      !is_external(parts_.config.external_providers, *builtin, request.provider_ref)) {
    make_local(*entry, *builtin, request);
  } else {
    CO_TRY_OK(co_await make_process(entry, std::move(request)));
  }
  CO_TRY_OK(co_await ask_policy(*entry));
  if (entries_.contains({entry->key(), entry->link_name}))
    co_return fail(Errc::invalid, kSite, "Provider is already running on this host");
  co_return entry;
}

void ProviderTable::make_local(Entry& entry, const builtin::BuiltinProvider& builtin,
                               const control::StartProvider& request) {
  entry.claims = claims_of(builtin.info);
  entry.provider = std::make_unique<LocalProvider>(parts_, delivery_, builtin, request.link_name,
                                                   request.configuration);
}

runtime::Task<void> ProviderTable::make_process(EntryPtr entry, control::StartProvider request) {
  auto loaded = co_await loader_.load(request.provider_ref);
  const auto code = loaded ? Errc::internal : loaded.error().code;
  if (code == Errc::not_found || code == Errc::unavailable) {
    loaded.error().detail =
        and_then(std::move(loaded.error().detail),
                 fmt::format("Within itself this host has, in any version: {}", known_names()));
  }
  if (!loaded) co_return fail(std::move(loaded).error());
  entry->claims = loaded->claims;
  entry->digest = loaded->digest;
  entry->provider = std::make_unique<ProviderProcess>(
      parts_, loader_,
      ProviderProcess::Setup{.reference = request.provider_ref,
                             .link_name = request.link_name,
                             .config_json = request.configuration,
                             .loaded = std::move(*loaded)},
      [this, raw = entry.get()](const ProviderProcess::Change& change) { changed(*raw, change); });
  co_return Result<void>{};
}

runtime::Task<void> ProviderTable::ask_policy(const Entry& entry) {
  if (parts_.policy == nullptr) co_return Result<void>{};
  co_return co_await parts_.policy->ask_for_start({.public_key = entry.key(),
                                                   .issuer = entry.claims.issuer,
                                                   .contract_id = entry.claims.contract_id,
                                                   .link_name = entry.link_name,
                                                   .provider = true});
}

runtime::Task<void> ProviderTable::start(control::StartProvider request) {
  auto outcome = co_await try_start(request);
  if (!outcome) {
    LOG(error, "provider {} did not start: {}", request.provider_ref, outcome.error().describe());
    parts_.events.publish(parts_.events.make.provider_start_failed(
        request.provider_ref, request.link_name, outcome.error().detail));
  }
  co_return outcome;
}

runtime::Task<void> ProviderTable::try_start(control::StartProvider request) {
  CO_TRY(auto entry, co_await make(std::move(request)));
  co_return co_await run(std::move(entry));
}

runtime::Task<void> ProviderTable::run(EntryPtr entry) {
  const Key key{entry->key(), entry->link_name};
  entries_[key] = entry;
  const auto started = co_await entry->provider->start();
  if (!started && !entry->stopping && started.error().code != Errc::unavailable) {
    entries_.erase(key);  // it cannot be run at all; else it is tried again, and belongs here
    CO_TRY_OK(co_await entry->provider->stop(runtime::Deadline::in(kStopTimeout)));
    co_return started;
  }
  for (const auto& link : parts_.state.links()) {
    // A process of its own got them with its start.
    if (entry->provider->here() && entry_for(link) == entry) CO_TRY_OK(co_await put(entry, link));
  }
  CO_TRY_OK(co_await routes_changed_());
  parts_.tasks.spawn("storing claims", store(record_of(entry->claims), entry->image_ref));
  if (entry->stopping) co_return Result<void>{};  // stopped while it started: that was told
  if (!started) co_return started;
  if (entry->provider->here()) publish_started(*entry);  // others say when they are up
  LOG(info, "provider {} ({}) runs from {}, link name {}", entry->claims.name, entry->key(),
      entry->image_ref, entry->link_name);
  co_return Result<void>{};
}

runtime::Task<void> ProviderTable::store(lattice::ClaimsRecord record, std::string reference) {
  const std::string key = record.subject;
  CO_TRY_OK(co_await parts_.state.put_claims(std::move(record)));
  co_return co_await parts_.state.put_reference(std::move(reference), key);
}

runtime::Task<void> ProviderTable::stop(control::StopProvider request) {
  const auto found = entries_.find({request.provider_ref, request.link_name});
  if (found == entries_.end()) {
    co_return fail(Errc::not_found, kSite,
                   fmt::format("No provider is running with public key {} and link name \"{}\"",
                               request.provider_ref, request.link_name));
  }
  co_return co_await take_down(found->second, runtime::Deadline::in(kStopTimeout));
}

runtime::Task<void> ProviderTable::prepare_stop() {
  const auto all = entries_;  // a copy: providers come and go meanwhile
  for (const auto& [key, entry] : all) {
    if (!entry->stopping) CO_TRY_OK(co_await entry->provider->prepare_stop());
  }
  co_return Result<void>{};
}

runtime::Task<void> ProviderTable::stop_entrances(runtime::Deadline deadline) {
  std::vector<EntryPtr> entrances;
  for (const auto& [key, entry] : entries_) {
    if (entry->claims.contract_id == kEntranceContract) entrances.push_back(entry);
  }
  co_return co_await take_down_all(std::move(entrances), deadline);
}

void ProviderTable::leave_bus() {
  for (const auto& [key, entry] : entries_) entry->provider->leave_bus();
}

runtime::Task<void> ProviderTable::stop_all(runtime::Deadline deadline) {
  std::vector<EntryPtr> all;
  for (const auto& [key, entry] : entries_) all.push_back(entry);
  co_return co_await take_down_all(std::move(all), deadline);
}

runtime::Task<void> ProviderTable::take_down_all(std::vector<EntryPtr> entries,
                                                 runtime::Deadline deadline) {
  runtime::TaskGroup stopping(runtime::Core::current());
  for (const auto& entry : entries)
    stopping.spawn("stopping a provider", take_down(entry, deadline));
  const auto joined = co_await stopping.join(runtime::Deadline{deadline.at + kStopTimeout});
  if (!joined) stopping.cancel();
  while (stopping.size() > 0) (void)co_await stopping.join(runtime::Deadline::in(1s));
  co_return joined;
}

runtime::Task<void> ProviderTable::take_down(EntryPtr entry, runtime::Deadline deadline) {
  if (std::exchange(entry->stopping, true)) {  // somebody does: wait for it
    while (!entry->stopped && !deadline.expired()) {
      CO_TRY_OK(co_await runtime::Core::current().sleep_until(runtime::Deadline::in(kStopPoll)));
    }
    co_return Result<void>{};
  }
  // A link change in progress ends first; one that hangs past the deadline does not keep the
  // provider up.
  const auto turn = co_await entry->turn.enter(deadline);
  auto stopped = co_await entry->provider->stop(deadline);
  entries_.erase({entry->key(), entry->link_name});
  entry->stopped = true;
  CO_TRY_OK(co_await routes_changed_());
  publish_stopped(*entry, stopped ? "normal" : stopped.error().detail);
  LOG(info, "provider {} ({}) stopped", entry->claims.name, entry->key());
  co_return Result<void>{};
}

// --- what becomes of a process ---

void ProviderTable::changed(Entry& entry, const ProviderProcess::Change& change) {
  using Kind = ProviderProcess::Change::Kind;
  if (entry.stopping) return;
  switch (change.kind) {
    case Kind::up:
      publish_started(entry);
      break;
    case Kind::down:
      if (!entry.told_instance.empty()) publish_stopped(entry, change.reason);
      entry.health = Health::unknown;
      break;
    case Kind::well:
    case Kind::unwell:
      return note_health(entry, change.kind == Kind::well, change.reason);
  }
  parts_.tasks.spawn("routes", routes_changed_());
}

// --- links ---

ProviderTable::EntryPtr ProviderTable::entry_for(const lattice::Link& link) const {
  const auto found = entries_.find({link.provider_id, link.link_name});
  return found == entries_.end() ? nullptr : found->second;
}

runtime::Task<void> ProviderTable::link_put(lattice::Link link) {
  auto entry = entry_for(link);
  if (!entry || entry->stopping) co_return Result<void>{};
  co_return co_await put(std::move(entry), std::move(link));
}

runtime::Task<void> ProviderTable::put(EntryPtr entry, lattice::Link link) {
  CO_TRY(const auto turn, co_await entry->turn.enter(runtime::Deadline::in(kLinkChangeTimeout)));
  // Links change while this one waited: only the newest definition counts.
  const auto* newest = parts_.state.link(link.actor_id, link.contract_id, link.link_name);
  if (newest == nullptr || newest->provider_id != entry->key() || entry->stopping)
    co_return Result<void>{};
  if (!entry->takes(link)) {
    LOG(error, "link {} → {}: {}", link.actor_id, link.provider_id, entry->why_not(link));
    co_return Result<void>{};
  }
  const lattice::Link offered = *newest;
  auto done = co_await entry->provider->link_put(offered);
  const auto here = entry->provider->here();
  if (!here) co_return done;
  auto& status = entry->links[key_of(link)];
  const bool told_before = !done && status.reason == done.error().detail;
  entry->failed.erase(key_of(link));
  if (!done && may_pass(done.error().code)) entry->failed[key_of(link)] = offered;
  status = {link.actor_id, done ? "active" : "failed",
            done ? here->warning_about(offered) : done.error().detail};
  if (done && !status.reason.empty()) {
    LOG(warn, "link {} → {} ({}): {}", link.actor_id, link.provider_id, link.link_name,
        status.reason);
  } else if (!done && !told_before) {
    LOG(error, "link {} → {} ({}): {}; the link is kept, other links work on", link.actor_id,
        link.provider_id, link.link_name, done.error().describe());
  }
  co_return Result<void>{};
}

runtime::Task<void> ProviderTable::link_deleted(lattice::Link link) {
  auto entry = entry_for(link);
  if (!entry || entry->stopping) co_return Result<void>{};
  CO_TRY(const auto turn, co_await entry->turn.enter(runtime::Deadline::in(kLinkChangeTimeout)));
  entry->links.erase(key_of(link));
  entry->failed.erase(key_of(link));
  if (!entry->takes(link)) co_return Result<void>{};  // it never took it
  co_return co_await entry->provider->link_delete(std::move(link));
}

runtime::Task<void> ProviderTable::retry_failed_links() {
  if (std::exchange(retrying_, true)) co_return Result<void>{};
  const auto all = entries_;  // copies: providers and links come and go meanwhile
  for (const auto& [key, entry] : all) {
    if (entry->stopping) continue;
    if (auto asked = co_await entry->provider->try_links_again(); !asked)
      LOG(warn, "trying links again: {}", asked.error().describe());
    const auto failed = entry->failed;
    for (const auto& [of, link] : failed) {
      if (entry->stopping) break;
      if (auto handed = co_await put(entry, link); !handed)
        LOG(warn, "trying a link again: {}", handed.error().describe());
    }
  }
  retrying_ = false;
  co_return Result<void>{};
}

control::LinkStatus ProviderTable::status_of(const lattice::Link& link) const {
  const auto entry = entry_for(link);
  if (!entry) {
    return {link.actor_id, "pending",
            fmt::format("provider {} with link name {} is not running on this host{}",
                        link.provider_id, link.link_name,
                        parts_.config.join_nats ? "; the host that runs it knows more" : "")};
  }
  if (!entry->takes(link)) return {link.actor_id, "failed", entry->why_not(link)};
  if (auto why = entry->provider->trouble_with(link); !why.empty())
    return {link.actor_id, "failed", std::move(why)};
  const auto state = entry->provider->state();
  if (state.kind == ProviderState::Kind::down || state.kind == ProviderState::Kind::starting) {
    return {link.actor_id, "pending",
            fmt::format("provider {} is {}: {}", entry->claims.name, word_for(state.kind),
                        state.reason)};
  }
  const auto found = entry->links.find(key_of(link));
  if (found != entry->links.end()) return found->second;
  if (!entry->provider->here() && entry->provider->was_told(link))
    return {link.actor_id, "active", ""};
  return {link.actor_id, "pending", "being handed to the provider"};
}

bool ProviderTable::is_for_the_bus(const lattice::Link& link) const {
  const auto entry = entry_for(link);
  return !entry || (entry->takes(link) && entry->provider->here() != nullptr);
}

RoutedLink ProviderTable::route(lattice::Link link) const {
  RoutedLink routed{.link = std::move(link), .provider = nullptr, .calls = nullptr, .why_down = {}};
  const auto entry = entry_for(routed.link);
  if (!entry || entry->stopping) return routed;
  routed.provider = entry->provider->here();
  const auto state = entry->provider->state();
  if (state.kind == ProviderState::Kind::down || state.kind == ProviderState::Kind::starting) {
    routed.why_down =
        fmt::format("provider {} ({}, link name {}) is {}: {}", entry->claims.name, entry->key(),
                    entry->link_name, word_for(state.kind), state.reason);
  }
  return routed;
}

// --- health and description ---

runtime::Task<void> ProviderTable::check_health() {
  const auto all = entries_;  // a copy: providers come and go while one answers
  for (const auto& [key, entry] : all) {
    if (!entry->provider->here()) continue;  // watched all the time, by itself
    const auto well = co_await runtime::with_deadline<void>(
        entry->provider->health(), runtime::Deadline::in(kHealthTimeout), "host.health");
    if (!entry->stopping) note_health(*entry, well.has_value(), well ? "" : well.error().detail);
  }
  co_return Result<void>{};
}

void ProviderTable::note_health(Entry& entry, bool well, const std::string& why) {
  const Health now = well ? Health::healthy : Health::unhealthy;
  const Health before = std::exchange(entry.health, now);
  if (now == before) return;
  if (well) {
    parts_.events.publish(parts_.events.make.health_check_passed(entry.key(), entry.link_name));
    return;
  }
  LOG(warn, "provider {} is not well: {}", entry.claims.name, why);
  if (before == Health::healthy)
    parts_.events.publish(parts_.events.make.health_check_failed(entry.key(), entry.link_name));
}

bool ProviderTable::running(const std::string& reference, const std::string& link_name) const {
  return entry_from(reference, link_name) != nullptr;
}

ProviderTable::EntryPtr ProviderTable::entry_from(const std::string& reference,
                                                  const std::string& link_name) const {
  if (const auto* builtin = find_builtin(reference); builtin != nullptr) {
    const auto found = entries_.find({builtin->info.public_key, link_name});
    if (found != entries_.end()) return found->second;
  }
  for (const auto& [key, entry] : entries_) {
    if (entry->image_ref == reference && entry->link_name == link_name) return entry;
  }
  return nullptr;
}

std::optional<ProviderState> ProviderTable::state_of(const std::string& reference,
                                                     const std::string& link_name) const {
  const auto entry = entry_from(reference, link_name);
  return entry ? std::optional(entry->provider->state()) : std::nullopt;
}

bool ProviderTable::has(const std::string& key, const std::string& link_name) const {
  const auto found = entries_.find({key, link_name});
  return found != entries_.end() && !found->second->stopping;
}

std::optional<std::string> ProviderTable::issuer_of(const std::string& key) const {
  const auto found = entries_.lower_bound({key, ""});
  if (found == entries_.end() || found->first.first != key) return std::nullopt;
  return found->second->claims.issuer;
}

void ProviderTable::publish_started(Entry& entry) {
  entry.told_instance = entry.provider->instance_id();
  const lattice::ProviderStarted started{.image_ref = entry.image_ref,
                                         .link_name = entry.link_name,
                                         .contract_id = entry.claims.contract_id,
                                         .instance_id = entry.told_instance,
                                         .annotations = entry.annotations};
  parts_.events.publish(parts_.events.make.provider_started(entry.claims, started, now_unix()));
}

void ProviderTable::publish_stopped(Entry& entry, const std::string& reason) {
  const auto instance = std::exchange(entry.told_instance, "");
  parts_.events.publish(parts_.events.make.provider_stopped(
      {entry.key(), entry.link_name, entry.claims.contract_id,
       instance.empty() ? entry.provider->instance_id() : instance},
      reason));
}

std::vector<control::ProviderDescription> ProviderTable::describe() const {
  std::vector<control::ProviderDescription> out;
  for (const auto& [key, entry] : entries_) {
    auto state = entry->provider->state();
    control::ProviderDescription description{.id = entry->key(),
                                             .image_ref = entry->image_ref,
                                             .link_name = entry->link_name,
                                             .name = entry->claims.name,
                                             .contract_id = entry->claims.contract_id,
                                             .instance_id = entry->provider->instance_id(),
                                             .revision = entry->claims.revision(),
                                             .annotations = entry->annotations,
                                             .digest = entry->digest,
                                             .links = {},
                                             .status = std::string(word_for(state.kind)),
                                             .reason = std::move(state.reason)};
    for (const auto& link : parts_.state.links()) {
      if (entry_for(link) == entry) description.links.push_back(status_of(link));
    }
    out.push_back(std::move(description));
  }
  return out;
}

std::vector<ProviderTable::Numbers> ProviderTable::numbers() const {
  std::vector<Numbers> out;
  for (const auto& [key, entry] : entries_) {
    const auto here = entry->provider->here();
    out.push_back(
        {.key = entry->key(),
         .name = entry->claims.name,
         .link_name = entry->link_name,
         .contract_id = entry->claims.contract_id,
         .up = entry->provider->state().kind == ProviderState::Kind::running &&
               entry->health != Health::unhealthy,
         .restarts = entry->provider->restarts(),
         .listeners = here ? here->http_listeners() : std::vector<capability::HttpListener>()});
  }
  return out;
}

std::vector<lattice::HeartbeatProvider> ProviderTable::heartbeat() const {
  std::vector<lattice::HeartbeatProvider> out;
  for (const auto& [key, entry] : entries_) {
    if (entry->told_instance.empty())
      continue;  // the lattice knows nothing of it, or that it ended
    out.push_back(
        {entry->key(), entry->link_name, entry->claims.contract_id, entry->told_instance});
  }
  return out;
}

}  // namespace trellis::host
