#include "host/actor_table.h"

#include <fmt/format.h>

#include <algorithm>

#include "artifact/reference.h"
#include "base/log.h"
#include "base/unix_time.h"
#include "claims/wasm_file.h"
#include "host/guest_text.h"

namespace trellis::host {
namespace {

using namespace std::chrono_literals;

constexpr std::uint32_t kChangesQueuedMax = 10'000;
constexpr auto kTurnTimeout = 60s;
constexpr const char* kSite = "host.actors";
constexpr std::string_view kModeAnnotation = "trellis.instances";  // "fresh" | "reuse"
constexpr std::string_view kReuseTag = "trellis:reuse";

bool contains_all(const control::StringMap& has, const control::StringMap& wanted) {
  return std::all_of(wanted.begin(), wanted.end(), [&](const auto& entry) {
    const auto found = has.find(entry.first);
    return found != has.end() && found->second == entry.second;
  });
}

lattice::ClaimsRecord record_of(const claims::ActorClaims& claims) {
  return {.subject = claims.subject,
          .issuer = claims.issuer,
          .name = claims.name,
          .call_alias = claims.call_alias.value_or(""),
          .version = claims.ver.value_or(""),
          .revision = std::to_string(claims.revision()),
          .caps = claims.caps,
          .tags = claims.tags};
}

// An unsigned module is the first thing most people try to start.
Error with_signing_advice(Error error, const std::string& reference) {
  if (std::string_view(error.site) != "claims.wasm.unsigned") return error;
  const auto parsed = artifact::parse_reference(reference);
  const auto path = parsed ? parsed->path : "";
  error.detail += ". " + claims::how_to_sign(path);
  if (!path.empty())
    error.detail += ", then start " + artifact::file_reference(claims::signed_path(path));
  return error;
}

}  // namespace

ActorTable::ActorTable(Parts& parts, Delivery& delivery)
    : parts_(parts), delivery_(delivery), turn_(1, kChangesQueuedMax) {}

// --- loading: no change to the table, any number at once ---

runtime::Task<ActorTable::Loaded> ActorTable::load(std::string reference) {
  std::function<Result<artifact::Artifact>()> fetch = [this, reference] {
    return parts_.resolver.fetch(reference, artifact::Kind::actor);
  };
  CO_TRY(artifact::Artifact artifact,
         co_await parts_.pulls.run<artifact::Artifact>(std::move(fetch)));
  co_return co_await load_bytes(std::move(artifact.bytes), std::move(reference),
                                std::move(artifact.digest));
}

runtime::Task<ActorTable::Loaded> ActorTable::load_bytes(Bytes wasm, std::string reference,
                                                         std::string digest) {
  std::function<Result<claims::SignedModule>()> read = [&wasm]() -> Result<claims::SignedModule> {
    TRY(auto signed_module, claims::read_signed_module(wasm, now_unix()));
    // The code alone: actors that differ only in who signed them share it.
    TRY(wasm, claims::unsigned_module(wasm));
    return signed_module;
  };
  auto checked = co_await parts_.offload.run<claims::SignedModule>(std::move(read));
  if (!checked) co_return fail(with_signing_advice(std::move(checked).error(), reference));
  claims::SignedModule signed_module = std::move(*checked);
  const auto& actor = signed_module.claims;
  CO_TRY_OK(parts_.config.actor_issuers.check(
      fmt::format("actor {} ({})", actor.subject, as_log_line(actor.name)), actor.issuer));
  CO_TRY_OK(co_await ask_policy(actor));
  CO_TRY(auto module, co_await parts_.engine.load(wasm));
  co_return Loaded{
      .reference = std::move(reference),
      .digest = std::move(digest),
      .token = std::move(signed_module.token),
      .claims = std::make_shared<const claims::ActorClaims>(std::move(signed_module.claims)),
      .module = std::move(module)};
}

// Whenever code is to run that did not, or more of what does: the policy may be another by now.
runtime::Task<void> ActorTable::ask_policy(const claims::ActorClaims& actor) {
  if (parts_.policy == nullptr) co_return Result<void>{};
  co_return co_await parts_.policy->ask_for_start({.public_key = actor.subject,
                                                   .issuer = actor.issuer,
                                                   .contract_id = {},
                                                   .link_name = {},
                                                   .provider = false});
}

// --- the commands ---

runtime::Task<void> ActorTable::start(control::StartActor request) {
  const auto reference = request.actor_ref;
  auto started = co_await try_start(std::move(request));
  if (started) co_return Result<void>{};
  LOG(error, "actor {} did not start: {}", reference, started.error().describe());
  parts_.events.publish(parts_.events.make.actor_start_failed(reference, started.error().detail));
  co_return fail(std::move(started).error());
}

runtime::Task<std::string> ActorTable::try_start(control::StartActor request) {
  CO_TRY(Loaded loaded, co_await load(request.actor_ref));
  const std::string key = loaded.claims->subject;
  CO_TRY(const auto turn, co_await my_turn());
  CO_TRY_OK(co_await add(std::move(loaded), std::max<std::size_t>(request.count, 1),
                         std::move(request.annotations)));
  co_return key;
}

runtime::Task<std::string> ActorTable::start_bytes(Bytes wasm, std::string shown_reference,
                                                   std::uint16_t count) {
  CO_TRY(Loaded loaded, co_await load_bytes(std::move(wasm), std::move(shown_reference), ""));
  const std::string key = loaded.claims->subject;
  CO_TRY(const auto turn, co_await my_turn());
  CO_TRY_OK(co_await add(std::move(loaded), std::max<std::size_t>(count, 1), {}));
  co_return key;
}

runtime::Task<void> ActorTable::scale(control::ScaleActor request) {
  const std::string reference = request.actor_ref;
  auto outcome = co_await scale_to(std::move(request));
  if (!outcome) {
    LOG(error, "actor {} was not scaled: {}", reference, outcome.error().describe());
    parts_.events.publish(parts_.events.make.actor_start_failed(reference, outcome.error().detail));
  }
  co_return outcome;
}

runtime::Task<void> ActorTable::scale_to(control::ScaleActor request) {
  ScaleOrder::Command command(scales_, request.actor_id);
  std::optional<Loaded> loaded;
  const auto found = actors_.find(request.actor_id);
  if (found != actors_.end() && request.count > found->second.instances.size()) {
    const auto running = found->second.loaded.claims;
    CO_TRY_OK(co_await ask_policy(*running));
  } else if (found == actors_.end() && request.count > 0) {
    CO_TRY(loaded, co_await load(request.actor_ref));
    if (loaded->claims->subject != request.actor_id) {
      co_return fail(Errc::invalid, kSite,
                     fmt::format("{} holds actor {}, not {}", request.actor_ref,
                                 loaded->claims->subject, request.actor_id));
    }
  }
  CO_TRY(const auto turn, co_await my_turn());
  if (!command.carry_out()) {
    LOG(info, "actor {} is not scaled to {}: a later command says otherwise", request.actor_id,
        request.count);
    co_return Result<void>{};
  }
  co_return co_await resize(std::move(request), std::move(loaded));
}

runtime::Task<void> ActorTable::stop(control::StopActor request) {
  const std::size_t count = request.count == 0 ? SIZE_MAX : request.count;
  CO_TRY(const auto turn, co_await my_turn());
  co_return co_await remove(request.actor_ref, count, request.annotations);
}

runtime::Task<void> ActorTable::update(control::UpdateActor request) {
  const auto refuse = [](const std::string& why) {
    return fail(Errc::invalid, kSite, fmt::format("Unable to perform live update: {}", why));
  };
  if (!actors_.contains(request.actor_id)) {
    co_return refuse(fmt::format("actor {} is not running on this host", request.actor_id));
  }
  auto loaded = co_await load(request.new_actor_ref);
  if (!loaded) co_return refuse(loaded.error().detail);
  if (loaded->claims->subject != request.actor_id) {
    co_return refuse(fmt::format("{} holds actor {}, another key", request.new_actor_ref,
                                 loaded->claims->subject));
  }
  auto replaced = co_await replace(request.actor_id, std::move(*loaded));
  if (!replaced) co_return refuse(replaced.error().detail);
  co_return Result<void>{};
}

runtime::Task<void> ActorTable::stop_all() {
  CO_TRY(const auto turn, co_await my_turn());
  while (!actors_.empty()) {
    const std::string key = actors_.begin()->first;
    CO_TRY_OK(co_await remove(key, SIZE_MAX, {}));
  }
  co_return Result<void>{};
}

// --- changes to the table ---

runtime::Task<runtime::Admission::Ticket> ActorTable::my_turn() {
  co_return co_await turn_.enter(runtime::Deadline::in(kTurnTimeout));
}

Result<void> ActorTable::check_same_code(const Loaded& loaded) const {
  const auto& key = loaded.claims->subject;
  const auto found = actors_.find(key);
  if (found == actors_.end()) return {};
  const auto& running = found->second.loaded;
  if (running.reference != loaded.reference) {
    // Clients of 2022 know the first two sentences.
    return fail(
        Errc::invalid, kSite,
        fmt::format("Cannot start new instance of {} from OCI '{}', it is already running "
                    "with different OCI reference. To upgrade an actor, use live update. {}",
                    key, loaded.reference, how_to_replace(running, loaded)));
  }
  const bool moved =
      !running.digest.empty() && !loaded.digest.empty() && running.digest != loaded.digest;
  if (running.module != loaded.module || running.token != loaded.token) {
    return fail(Errc::invalid, kSite,
                fmt::format("Cannot start new instance of {}: '{}' holds other code or claims than "
                            "what is running{}. To upgrade an actor, use live update. {}",
                            key, loaded.reference,
                            moved ? fmt::format(" ({} runs, {} is there now)", running.digest,
                                                loaded.digest)
                                  : std::string(),
                            how_to_replace(running, loaded)));
  }
  if (moved) {
    LOG(warn, "{} has moved from {} to {}; the code of {} is the same", loaded.reference,
        running.digest, loaded.digest, key);
  }
  return {};
}

std::string ActorTable::how_to_replace(const Loaded& running, const Loaded& wanted) const {
  const auto& host = parts_.identity.host.public_key();
  const auto& key = wanted.claims->subject;
  const auto revision = running.claims->revision();
  const auto text = fmt::format(
      "It runs from {}, revision {}",
      running.reference.empty() ? "bytes that were sent to the API" : running.reference, revision);
  const auto stop = fmt::format("wash ctl stop actor {} {} --count 0", host, key);
  if (wanted.claims->revision() <= revision || wanted.reference.empty())
    return fmt::format("{}; this is revision {}. Stop the running one first: {}", text,
                       wanted.claims->revision(), stop);
  return fmt::format("{}; replace it while it runs: wash ctl update actor {} {} {}", text, host,
                     key, wanted.reference);
}

runtime::Task<void> ActorTable::resize(control::ScaleActor request, std::optional<Loaded> loaded) {
  const auto found = actors_.find(request.actor_id);
  const std::size_t have = found == actors_.end() ? 0 : found->second.instances.size();
  if (request.count < have) {
    co_return co_await remove(request.actor_id, have - request.count, {});
  }
  if (request.count == have) co_return Result<void>{};
  if (have == 0 && !loaded) {
    co_return fail(Errc::not_found, kSite,
                   fmt::format("actor {} was stopped meanwhile", request.actor_id));
  }
  if (have > 0) {
    loaded = found->second.loaded;
    if (!request.actor_ref.empty()) loaded->reference = request.actor_ref;
  }
  co_return co_await add(std::move(*loaded), request.count - have, request.annotations);
}

runtime::Task<void> ActorTable::add(Loaded loaded, std::size_t count,
                                    control::StringMap annotations) {
  const std::string key = loaded.claims->subject;
  CO_TRY_OK(check_same_code(loaded));
  if (!actors_.contains(key)) {
    Actor actor{.loaded = std::move(loaded),
                .mode = {},
                .instances = {},
                .cells = std::make_shared<runtime::PerCore<ActorCells>>(parts_.cores.size()),
                .subscription = {}};
    actor.mode = mode_of(actor.loaded, annotations);
    CO_TRY_OK(co_await install(actor));
    CO_TRY(actor.subscription, delivery_.serve_actor(key));
    remember(actor.loaded);
    actors_.emplace(key, std::move(actor));
  }
  Actor& actor = actors_.at(key);
  for (; count > 0; --count) {
    actor.instances.push_back({codec::uuid4(), actor.loaded.claims->revision(), annotations});
    publish_started(actor, actor.instances.back());
  }
  LOG(info, "actor {} ({}) runs from {}{}, count {}", actor.loaded.claims->name, key,
      actor.loaded.reference,
      actor.loaded.digest.empty() ? "" : fmt::format(" ({})", actor.loaded.digest),
      actor.instances.size());
  co_return co_await resize_reuse(key);
}

runtime::Task<void> ActorTable::remove(std::string key, std::size_t count,
                                       control::StringMap annotations) {
  const auto found = actors_.find(key);
  if (found == actors_.end()) co_return Result<void>{};
  auto& instances = found->second.instances;
  std::vector<std::string> stopped;
  for (std::size_t i = instances.size(); i > 0 && stopped.size() < count; --i) {
    const auto at = instances.begin() + static_cast<std::ptrdiff_t>(i - 1);
    if (!contains_all(at->annotations, annotations)) continue;
    stopped.push_back(at->instance_id);
    instances.erase(at);
  }
  if (instances.empty()) {
    actors_.erase(found);  // and its subscription: no new call reaches it from the bus
    CO_TRY_OK(co_await parts_.router.remove(key));
  } else {
    CO_TRY_OK(co_await resize_reuse(key));
  }
  for (const auto& id : stopped) parts_.events.publish(parts_.events.make.actor_stopped(key, id));
  if (!stopped.empty()) LOG(info, "actor {}: {} stopped", key, stopped.size());
  co_return Result<void>{};
}

runtime::Task<void> ActorTable::replace(std::string key, Loaded loaded) {
  CO_TRY(const auto turn, co_await my_turn());
  const auto found = actors_.find(key);
  if (found == actors_.end())
    co_return fail(Errc::not_found, kSite, "the actor was stopped meanwhile");
  Actor& actor = found->second;
  const auto revision = loaded.claims->revision();
  if (revision <= actor.loaded.claims->revision()) {
    co_return fail(Errc::invalid, kSite,
                   fmt::format("revision {} is not above the running one, {}", revision,
                               actor.loaded.claims->revision()));
  }
  actor.loaded = std::move(loaded);
  CO_TRY_OK(co_await install(actor));
  remember(actor.loaded);
  for (auto& instance : actor.instances) {
    instance.revision = revision;
    parts_.events.publish(parts_.events.make.actor_updated(key, revision, instance.instance_id));
  }
  LOG(info, "actor {} ({}) updated to {} (revision {})", actor.loaded.claims->name, key,
      actor.loaded.reference, revision);
  co_return Result<void>{};
}

runtime::Task<void> ActorTable::install(const Actor& actor) {
  ActorProgram program;
  program.key = actor.loaded.claims->subject;
  program.module = actor.loaded.module;
  program.claims = actor.loaded.claims;
  program.mode = actor.mode;
  program.cells = actor.cells;
  program.memory_bytes_max = parts_.config.actor_memory_bytes_max;
  const auto cores = static_cast<std::uint32_t>(parts_.cores.size());
  program.calls_max = std::max(1u, (parts_.config.actor_calls_max + cores - 1) / cores);
  program.calls_queued_max =
      program.calls_max * (limits::kActorCallsQueuedMax / limits::kActorCallsMax);
  co_return co_await parts_.router.install(std::move(program),
                                           reuse_per_core(actor.instances.size()));
}

runtime::Task<void> ActorTable::resize_reuse(const std::string& key) {
  const auto& actor = actors_.at(key);
  if (actor.mode != engine::InstanceMode::reuse) co_return Result<void>{};
  co_return co_await parts_.router.set_reuse_max(key, reuse_per_core(actor.instances.size()));
}

std::uint32_t ActorTable::reuse_per_core(std::size_t instances) const {
  const auto cores = parts_.cores.size();
  return static_cast<std::uint32_t>(std::max<std::size_t>(1, (instances + cores - 1) / cores));
}

engine::InstanceMode ActorTable::mode_of(const Loaded& loaded,
                                         const control::StringMap& annotations) const {
  if (const auto asked = annotations.find(std::string(kModeAnnotation));
      asked != annotations.end()) {
    return asked->second == "reuse" ? engine::InstanceMode::reuse : engine::InstanceMode::fresh;
  }
  const auto& tags = loaded.claims->tags;
  const auto& reuse = parts_.config.reuse_actors;
  const bool chosen = std::find(tags.begin(), tags.end(), kReuseTag) != tags.end() ||
                      std::find(reuse.begin(), reuse.end(), loaded.reference) != reuse.end() ||
                      std::find(reuse.begin(), reuse.end(), loaded.claims->subject) != reuse.end();
  return chosen ? engine::InstanceMode::reuse : engine::InstanceMode::fresh;
}

// --- what the lattice is told ---

void ActorTable::publish_started(const Actor& actor, const control::ActorInstance& instance) {
  const lattice::ActorStarted started{
      .image_ref = actor.loaded.reference,
      .api_version = static_cast<std::uint32_t>(actor.loaded.module->info().api_version),
      .instance_id = instance.instance_id,
      .annotations = instance.annotations};
  parts_.events.publish(
      parts_.events.make.actor_started(*actor.loaded.claims, started, now_unix()));
}

void ActorTable::remember(const Loaded& loaded) {
  parts_.tasks.spawn("storing claims", store(record_of(*loaded.claims), loaded.reference));
}

runtime::Task<void> ActorTable::store(lattice::ClaimsRecord record, std::string reference) {
  const std::string key = record.subject;
  CO_TRY_OK(co_await parts_.state.put_claims(std::move(record)));
  if (reference.empty()) co_return Result<void>{};  // it came as bytes
  co_return co_await parts_.state.put_reference(std::move(reference), key);
}

Result<std::string> ActorTable::key_from(const std::string& reference) const {
  for (const auto& [key, actor] : actors_) {
    if (actor.loaded.reference == reference) return key;
  }
  return fail(Errc::not_found, kSite, fmt::format("no actor runs from {}", reference));
}

void ActorTable::leave_bus() {
  for (auto& [key, actor] : actors_) actor.subscription.leave();
}

const claims::ActorClaims* ActorTable::claims(const std::string& actor_key) const {
  const auto found = actors_.find(actor_key);
  return found == actors_.end() ? nullptr : found->second.loaded.claims.get();
}

std::vector<control::ActorDescription> ActorTable::describe() const {
  std::vector<control::ActorDescription> out;
  for (const auto& [key, actor] : actors_) {
    out.push_back({.id = key,
                   .image_ref = actor.loaded.reference,
                   .name = actor.loaded.claims->name,
                   .instances = actor.instances,
                   .digest = actor.loaded.digest,
                   .mode = actor.mode == engine::InstanceMode::reuse ? "reuse" : "fresh"});
  }
  return out;
}

std::vector<ActorTable::Numbers> ActorTable::numbers() const {
  std::vector<Numbers> out;
  for (const auto& [key, actor] : actors_)
    out.push_back({key, actor.loaded.claims->name, actor.cells});
  return out;
}

std::vector<lattice::HeartbeatActor> ActorTable::heartbeat() const {
  std::vector<lattice::HeartbeatActor> out;
  for (const auto& [key, actor] : actors_) {
    for (const auto& instance : actor.instances) out.push_back({key, instance.instance_id});
  }
  return out;
}

}  // namespace trellis::host
