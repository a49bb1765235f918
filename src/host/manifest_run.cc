#include "host/manifest_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <random>

#include "base/log.h"

namespace trellis::host {
namespace {

using namespace std::chrono_literals;

constexpr auto kWatchEvery = 200ms;
constexpr auto kActorsFirst = 3s;
constexpr auto kActorsPoll = 2ms;
constexpr auto kAskElsewhereEvery = 2s;

lattice::Link as_link(const control::LinkDefinition& definition) {
  return {.actor_id = definition.actor_id,
          .provider_id = definition.provider_id,
          .link_name = definition.link_name,
          .contract_id = definition.contract_id,
          .values = definition.values};
}

void add(std::string& list, const std::string& trouble) {
  if (trouble.empty()) return;
  if (!list.empty()) list += "; ";
  list += trouble;
}

double chance() {
  static thread_local std::minstd_rand random{std::random_device{}()};
  return std::uniform_real_distribution<double>(0, 1)(random);
}

}  // namespace

ManifestRun::ManifestRun(Parts& parts, ActorTable& actors, ProviderTable& providers,
                         LinkTable& links, const control::Manifest& manifest)
    : parts_(parts),
      actors_(actors),
      providers_(providers),
      links_(links),
      manifest_(manifest),
      actor_entries_(manifest.actors.size()),
      provider_entries_(manifest.capabilities.size()),
      link_entries_(manifest.links.size()) {
  for (const auto& link : manifest.links) wanted_links_.push_back(as_link(link.definition));
}

void ManifestRun::start() {
  for (std::size_t i = 0; i < provider_entries_.size(); ++i) {
    const auto& capability = manifest_.capabilities[i];
    provider_entries_[i].what =
        fmt::format("provider {} ({})", capability.image_ref, capability.link_name);
  }
  for (std::size_t i = 0; i < actor_entries_.size(); ++i) {
    actor_entries_[i].what = fmt::format("actor {}", manifest_.actors[i].image_ref);
    parts_.tasks.spawn("manifest", keep_actor(manifest_.actors[i], actor_entries_[i]));
  }
  for (std::size_t i = 0; i < link_entries_.size(); ++i) {
    const auto& link = wanted_links_[i];
    link_entries_[i].what = fmt::format("link {} → {} ({}, {})", link.actor_id, link.provider_id,
                                        link.contract_id, link.link_name);
    parts_.tasks.spawn("manifest", keep_link(link, link_entries_[i]));
  }
  parts_.tasks.spawn("manifest", start_providers());
  parts_.tasks.spawn("manifest", watch());
}

// After the actors, so that who listens finds whom to ask: requests may be waiting already, where
// this host takes the place of one that was killed. An actor that takes long, or does not start,
// holds up nobody.
runtime::Task<void> ManifestRun::start_providers() {
  const auto latest = runtime::Deadline::in(kActorsFirst);
  const auto tried = [](const Entry& entry) { return entry.done || !entry.why.empty(); };
  while (!std::ranges::all_of(actor_entries_, tried) && !latest.expired())
    CO_TRY_OK(co_await runtime::Core::current().sleep_until(runtime::Deadline::in(kActorsPoll)));
  for (std::size_t i = 0; i < provider_entries_.size(); ++i)
    parts_.tasks.spawn("manifest", keep_provider(manifest_.capabilities[i], provider_entries_[i]));
  co_return Result<void>{};
}

// --- each entry until it is done ---

runtime::Task<void> ManifestRun::keep_actor(const control::ManifestActor& actor, Entry& entry) {
  Backoff backoff(limits::kManifestRetryMin, limits::kManifestRetryMax);
  for (;;) {
    auto started = actors_.key_from(actor.image_ref);  // somebody else may have been faster
    if (!started) {
      started = co_await actors_.try_start({.actor_ref = actor.image_ref,
                                            .host_id = parts_.identity.host.public_key(),
                                            .count = actor.count,
                                            .annotations = {}});
    }
    if (started) {
      entry.done = true;
      co_return Result<void>{};
    }
    const bool known = entry.why == started.error().detail;
    if (!known)
      parts_.events.publish(
          parts_.events.make.actor_start_failed(actor.image_ref, started.error().detail));
    CO_TRY_OK(co_await pause_after(started.error(), entry, backoff));
  }
}

runtime::Task<void> ManifestRun::keep_provider(const control::ManifestCapability& capability,
                                               Entry& entry) {
  Backoff backoff(limits::kManifestRetryMin, limits::kManifestRetryMax);
  for (;;) {
    Result<void> started;
    if (!providers_.running(capability.image_ref, capability.link_name)) {
      started = co_await providers_.try_start({.provider_ref = capability.image_ref,
                                               .link_name = capability.link_name,
                                               .host_id = parts_.identity.host.public_key(),
                                               .configuration = {},
                                               .annotations = {}});
    }
    // One that is not up yet is in the table, which tries it again by itself.
    if (started || providers_.running(capability.image_ref, capability.link_name)) {
      entry.done = true;
      co_return Result<void>{};
    }
    if (entry.why != started.error().detail)
      parts_.events.publish(parts_.events.make.provider_start_failed(
          capability.image_ref, capability.link_name, started.error().detail));
    CO_TRY_OK(co_await pause_after(started.error(), entry, backoff));
  }
}

runtime::Task<void> ManifestRun::keep_link(lattice::Link link, Entry& entry) {
  Backoff backoff(limits::kManifestRetryMin, limits::kManifestRetryMax);
  for (;;) {
    const auto* known = parts_.state.link(link.actor_id, link.contract_id, link.link_name);
    if (known != nullptr && *known == link) break;
    const auto put = co_await links_.put(link);
    if (put) break;
    CO_TRY_OK(co_await pause_after(put.error(), entry, backoff));
  }
  entry.done = true;
  co_return Result<void>{};
}

runtime::Task<void> ManifestRun::pause_after(const Error& error, Entry& entry, Backoff& backoff) {
  if (error.code == Errc::cancelled) co_return fail(error);
  if (entry.why != error.detail) {
    entry.why = error.detail;
    LOG(error, "{} of the manifest: {}; it is tried again", entry.what, error.describe());
  }
  co_return co_await runtime::Core::current().sleep_until(
      runtime::Deadline::in(backoff.next(chance())));
}

// --- whether all of it runs ---

runtime::Task<void> ManifestRun::watch() {
  auto next_question = std::chrono::steady_clock::now();
  for (;;) {
    if (trouble().empty()) break;
    if (std::chrono::steady_clock::now() >= next_question) {
      CO_TRY_OK(co_await ask_elsewhere());
      next_question = std::chrono::steady_clock::now() + kAskElsewhereEvery;
    }
    CO_TRY_OK(co_await runtime::Core::current().sleep_until(runtime::Deadline::in(kWatchEvery)));
  }
  complete_ = true;
  LOG(info, "Everything in {} runs: {} providers, {} actors, {} links", parts_.config.manifest_path,
      provider_entries_.size(), actor_entries_.size(), link_entries_.size());
  co_return Result<void>{};
}

// Providers that other hosts run: those hosts know what became of a link.
runtime::Task<void> ManifestRun::ask_elsewhere() {
  std::vector<lattice::Link> asked;
  std::vector<std::size_t> places;
  for (std::size_t i = 0; i < wanted_links_.size(); ++i) {
    if (!link_entries_[i].done || providers_.runs(wanted_links_[i])) continue;
    asked.push_back(wanted_links_[i]);
    places.push_back(i);
  }
  if (asked.empty()) co_return Result<void>{};
  CO_TRY(const auto states, co_await links_.states(std::move(asked)));
  for (std::size_t i = 0; i < places.size(); ++i) {
    auto& entry = link_entries_[places[i]];
    entry.elsewhere = states[i].status == "active"
                          ? "active"
                          : fmt::format("{}: {}", states[i].status, states[i].reason);
  }
  co_return Result<void>{};
}

std::string ManifestRun::missing() const { return complete_ ? std::string() : trouble(); }

std::string ManifestRun::trouble() const {
  std::string all;
  const auto why = [](const Entry& entry, std::string_view otherwise) {
    return fmt::format("{}: {}", entry.what,
                       entry.why.empty() ? otherwise : std::string_view(entry.why));
  };
  for (std::size_t i = 0; i < provider_entries_.size(); ++i) {
    const auto& entry = provider_entries_[i];
    add(all, entry.done ? trouble_of_provider(manifest_.capabilities[i], entry)
                        : why(entry, "it is being started"));
  }
  for (const auto& entry : actor_entries_) {
    if (!entry.done) add(all, why(entry, "it is being started"));
  }
  for (std::size_t i = 0; i < link_entries_.size(); ++i) {
    const auto& entry = link_entries_[i];
    add(all,
        entry.done ? trouble_of_link(wanted_links_[i], entry) : why(entry, "it is being stored"));
  }
  return all;
}

// None of one that was stopped by command.
std::string ManifestRun::trouble_of_provider(const control::ManifestCapability& capability,
                                             const Entry& entry) const {
  const auto state = providers_.state_of(capability.image_ref, capability.link_name);
  if (!state || state->kind == ProviderState::Kind::running ||
      state->kind == ProviderState::Kind::unhealthy)
    return {};
  return fmt::format("{}: {}", entry.what,
                     state->reason.empty() ? "it is starting" : state->reason);
}

// None of one that was deleted, or put differently, by command.
std::string ManifestRun::trouble_of_link(const lattice::Link& link, const Entry& entry) const {
  const auto* known = parts_.state.link(link.actor_id, link.contract_id, link.link_name);
  if (known == nullptr || *known != link) return {};
  if (providers_.runs(link)) {
    const auto status = providers_.status_of(link);
    if (status.status == "active") return {};
    return fmt::format("{}: {}: {}", entry.what, status.status, status.reason);
  }
  if (entry.elsewhere == "active") return {};
  return fmt::format(
      "{}: {}", entry.what,
      entry.elsewhere.empty() ? "its provider does not run on this host" : entry.elsewhere);
}

}  // namespace trellis::host
