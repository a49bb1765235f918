#include "host/host.h"

#include <fmt/format.h>

#include <filesystem>

#include "base/log.h"
#include "codec/cloud_event.h"
#include "host/host_memory.h"
#include "lattice/shared_state.h"
#include "registry/source.h"

namespace trellis::host {
namespace {

using namespace std::chrono_literals;

constexpr auto kOtherHostsAnswerWithin = 500ms;
constexpr auto kHousekeepingTick = 1s;
constexpr auto kHeartbeatEvery = 30s;
constexpr auto kHealthFirst = 5s;
constexpr auto kHealthEvery = 30s;
constexpr auto kRetryLinksEvery = 5s;
constexpr auto kStopPoll = 10ms;
constexpr auto kFailedStartStopTime = 5s;

}  // namespace

std::string uptime_human(std::chrono::seconds uptime) {
  const std::pair<std::int64_t, const char*> units[] = {
      {86'400, "day"}, {3'600, "hour"}, {60, "minute"}, {1, "second"}};
  std::int64_t left = uptime.count();
  std::string text;
  for (const auto& [size, name] : units) {
    const auto n = left / size;
    left %= size;
    if (n == 0) continue;
    text += fmt::format("{}{} {}{}", text.empty() ? "" : ", ", n, name, n == 1 ? "" : "s");
  }
  return text.empty() ? "0 seconds" : text;
}

Host::Host(const Config& config, Environment environment, Identity identity)
    : config_(config),
      environment_(std::move(environment)),
      identity_(std::move(identity)),
      subjects_{.prefix = config.lattice, .control = config.control_prefix},
      started_(std::chrono::steady_clock::now()) {}

Host::~Host() = default;

Result<std::unique_ptr<Host>> Host::start(const Config& config, Environment environment) {
  TRY(auto identity, make_identity(config));
  auto& cores = environment.cores;
  std::unique_ptr<Host> host(new Host(config, std::move(environment), std::move(identity)));
  Host* raw = host.get();
  auto started = cores.run_blocking<void>(0, [raw] { return raw->start_on_core(); });
  if (!started) {
    if (auto stopped = raw->stop(kFailedStartStopTime); !stopped) {
      LOG(error, "{}", stopped.error().describe());
      static_cast<void>(host.release());  // what still runs in it ends with the process
    }
    return fail(std::move(started).error());
  }
  return host;
}

// --- start ---

runtime::Task<void> Host::start_on_core() {
  tasks_ = std::make_unique<runtime::TaskGroup>(runtime::Core::current());
  spawner_ = std::make_unique<runtime::Offload>(1);
  CO_TRY_OK(co_await start_bus());
  CO_TRY_OK(start_relay());
  CO_TRY_OK(co_await check_that_key_is_free());
  CO_TRY_OK(co_await open_state());
  open_artifacts();
  const auto guest_memory = config_.guest_memory_bytes_max != 0
                                ? config_.guest_memory_bytes_max
                                : memory_there_is() / limits::kGuestMemoryPart;
  CO_TRY(engine_, engine::Engine::create({.cache_dir = config_.cache_dir,
                                          .instances_max = limits::kInstancesLiveMax,
                                          .memory_bytes_max = config_.actor_memory_bytes_max,
                                          .guest_memory_bytes_max = guest_memory},
                                         environment_.offload));
  LOG(info, "All guests together may have {} MiB of memory, each {} MiB", guest_memory >> 20,
      config_.actor_memory_bytes_max >> 20);
  auto& bus = bus_->rpc();
  events_ = std::make_unique<EventSink>(bus_->control(), subjects_, identity_.host.public_key());
  seal_ = std::make_unique<lattice::InvocationSeal>(identity_.cluster, config_.lattice);
  peers_ = std::make_unique<Peers>(identity_.host.public_key(), seal_->name());
  large_ = std::make_unique<lattice::LargeMessages>(*tasks_, bus,
                                                    bus_->embedded() ? "" : config_.lattice);
  remote_ = std::make_unique<RemoteCalls>(environment_.cores, bus, subjects_, identity_, *seal_,
                                          *peers_, *large_);
  call_events_ = std::make_unique<CallEvents>(
      environment_.cores, [this](const lattice::Entity& origin, const lattice::Entity& target,
                                 const std::string& operation, std::size_t bytes, bool succeeded) {
        events_->publish_invocation(
            succeeded ? events_->make.invocation_succeeded(origin, target, operation, bytes)
                      : events_->make.invocation_failed(origin, target, operation, bytes));
      });
  bus_->control().watch_interest(subjects_.invocation_events(),
                                 [this](bool wanted) { call_events_->set_wanted(wanted); });
  CO_TRY_OK(open_policy());
  router_ =
      std::make_unique<Router>(environment_.cores, *engine_, *remote_, *call_events_, policy_.get(),
                               Router::Options{config_.lattice, config_.rpc_timeout});
  parts_ = std::make_unique<Parts>(
      Parts{config_, identity_, environment_.cores, environment_.offload, *pulls_, *spawner_,
            *tasks_, *resolver_, *credentials_, *engine_, bus, bus_->control(),
            bus_->for_providers(), *state_, subjects_, *events_, policy_.get(), *router_});
  delivery_ = std::make_unique<Delivery>(*parts_, *seal_, *large_, *call_events_);
  providers_ = std::make_unique<ProviderTable>(*parts_, *delivery_,
                                               [this] { return links_->refresh_routes(); });
  links_ = std::make_unique<LinkTable>(*parts_, *providers_, *peers_);
  actors_ = std::make_unique<ActorTable>(*parts_, *delivery_);
  control_ = std::make_unique<ControlService>(
      *parts_, *actors_, *providers_, *links_,
      ControlService::HostView{.describe = [this] { return describe(); },
                               .heartbeat = [this] { publish_heartbeat(); },
                               .request_stop = environment_.request_stop});
  metrics_ =
      std::make_unique<Metrics>(Metrics::Sources{*parts_, *actors_, *providers_, *links_, *remote_,
                                                 *delivery_, *call_events_, *bus_, *registries_});
  CO_TRY_OK(co_await metrics_->start());
  CO_TRY_OK(co_await links_->refresh_routes());
  CO_TRY_OK(control_->subscribe());
  CO_TRY_OK(peers_->listen(bus_->control(), subjects_));
  announce();
  tasks_->spawn("housekeeping", housekeep());
  if (config_.config_service) {
    config_service_ = std::make_unique<ConfigService>(*parts_, *actors_, *providers_);
    tasks_->spawn("configuration service", config_service_->run());
  }
  if (!config_.manifest_path.empty()) {
    manifest_run_ =
        std::make_unique<ManifestRun>(*parts_, *actors_, *providers_, *links_, config_.manifest);
    manifest_run_->start();
  }
  phase_ = Phase::serving;
  co_return Result<void>{};
}

runtime::Task<void> Host::start_bus() {
  CO_TRY(bus_, co_await HostBus::start(config_, identity_,
                                       [this](bool connected, const std::string& why) {
                                         bus_changed(connected, why);
                                       }));
  co_return Result<void>{};
}

Result<void> Host::start_relay() {
  if (config_.nats_relay.empty()) return {};
  auto relay = net::ByteRelay::listen(
      {.address = config_.nats_relay, .host = config_.rpc.host, .port = config_.rpc.port});
  if (!relay)
    return fail(relay.error().code, relay.error().site,
                fmt::format("TRELLIS_NATS_RELAY: {}", relay.error().detail));
  relay_ = *std::move(relay);
  LOG(info, "The NATS server at {}:{} is reached through {} as well", config_.rpc.host,
      config_.rpc.port, config_.nats_relay);
  return {};
}

// Two hosts with one key would both take each command for it. Only a key that was given can be
// given twice; and on a bus of our own we are the first.
runtime::Task<void> Host::check_that_key_is_free() {
  if (config_.host_seed.empty() || bus_->embedded()) co_return Result<void>{};
  const auto taken = [this](std::string_view by) {
    return fail(
        Errc::denied, "host.key",
        fmt::format("another host{} with the key {} is in lattice {} already: give each host a "
                    "WASMCLOUD_HOST_SEED of its own, or none",
                    by, identity_.host.public_key(), config_.lattice));
  };
  key_claim_ = std::make_unique<KeyClaim>(bus_->control(), subjects_, identity_.host.public_key(),
                                          codec::uuid4());
  CO_TRY(const bool ours, co_await key_claim_->make());
  if (!ours) co_return taken("");
  CO_TRY(const auto answers,
         co_await bus_->control().collect({subjects_.ctl("ping.hosts"), "", {}, {}},
                                          runtime::Deadline::in(kOtherHostsAnswerWithin)));
  for (const auto& answer : answers) {
    const auto host = control::parse<control::HostDescription>(as_text(answer.data));
    if (!host || host->id != identity_.host.public_key()) continue;
    co_return taken(fmt::format(" ({})", host->friendly_name));
  }
  co_return Result<void>{};
}

void Host::bus_changed(bool connected, const std::string& why) {
  if (!connected) {
    LOG(warn, "Calls within this host go on; those to others fail until NATS is back: {}", why);
    return;
  }
  if (!serving()) return;
  if (const auto lost = events_->take_lost(); lost > 0)
    LOG(warn, "{} events were not published while NATS was away", lost);
  tasks_->spawn("lattice state", state_->resync());
  publish_heartbeat();
}

Result<std::string> Host::state_folder() const {
  const std::filesystem::path folder = std::filesystem::path(config_.data_dir) / config_.lattice;
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) {
    return fail(Errc::denied, "host.data_dir",
                fmt::format("cannot make the folder {} for the lattice's state: {}; set "
                            "TRELLIS_DATA_DIR to one that "
                            "can be written",
                            folder.string(), error.message()));
  }
  std::filesystem::permissions(folder, std::filesystem::perms::owner_all, error);
  if (error) {
    return fail(Errc::denied, "host.data_dir",
                fmt::format("the folder {} is not this user's: {}; set TRELLIS_DATA_DIR to one "
                            "that is",
                            folder.string(), error.message()));
  }
  return folder.string();
}

// Other hosts' changes may come while this one is still being put together.
lattice::State::Observer Host::state_observer() {
  lattice::State::Observer observer;
  observer.claims_put = [this](const lattice::ClaimsRecord& record) {
    if (policy_) policy_->forget(record.subject);  // what was decided was decided about others
    if (links_) tasks_->spawn("routes", links_->refresh_routes());  // a new call alias
  };
  observer.reference_put = [this](const std::string& reference, const std::string& key) {
    if (events_) events_->publish(events_->make.refmap_set(reference, key));
  };
  observer.link_put_elsewhere = [this](const lattice::Link& link, const lattice::Link* replaced) {
    if (!links_) return;
    tasks_->spawn("link",
                  links_->put_elsewhere(link, replaced ? std::optional(*replaced) : std::nullopt));
  };
  observer.link_deleted_elsewhere = [this](const lattice::Link& link) {
    if (links_) tasks_->spawn("link", links_->deleted_elsewhere(link));
  };
  return observer;
}

// A bus of this host's own: in a file of its own. NATS: there, with the other hosts.
runtime::Task<void> Host::open_state() {
  CO_TRY(const auto folder, state_folder());
  if (bus_->embedded()) {
    CO_TRY(state_, lattice::State::open(folder + "/state.jsonl", state_observer()));
    co_return Result<void>{};
  }
  CO_TRY(state_, co_await lattice::open_lattice_state(
                     bus_->control(), {.prefix = config_.lattice,
                                       .domain = config_.js_domain,
                                       .journal_file = folder + "/state.jsonl",
                                       .observer = state_observer(),
                                       .connected = [this] { return bus_->connected(); }}));
  co_return Result<void>{};
}

Result<void> Host::open_policy() {
  if (config_.policy_topic.empty()) {
    if (config_.policy_changes_topic.empty()) return {};
    LOG(warn,
        "WASMCLOUD_POLICY_CHANGES_TOPIC is set and WASMCLOUD_POLICY_TOPIC is not: no policy "
        "service is asked, and everything is permitted");
    return {};
  }
  policy_ = std::make_unique<Policy>(
      Policy::Setup{.cores = environment_.cores,
                    .bus = bus_->control(),
                    .tasks = *tasks_,
                    .topic = config_.policy_topic,
                    .changes_topic = config_.policy_changes_topic,
                    .timeout = config_.policy_timeout,
                    .host = {.public_key = identity_.host.public_key(),
                             .issuer = identity_.cluster.public_key(),
                             .lattice = config_.lattice,
                             .labels = config_.labels,
                             .cluster_issuers = identity_.cluster_issuers},
                    .claims_of = [this](const std::string& key) { return claims_of(key); }});
  return policy_->subscribe();
}

// What runs here is known before the lattice has stored its claims.
std::optional<Policy::Claims> Host::claims_of(const std::string& key) const {
  if (const auto* actor = actors_->claims(key))
    return Policy::Claims{actor->issuer, fmt::format("{}", fmt::join(actor->caps, ","))};
  if (auto issuer = providers_->issuer_of(key)) return Policy::Claims{std::move(*issuer), ""};
  if (const auto* record = state_->claims(key))
    return Policy::Claims{record->issuer, fmt::format("{}", fmt::join(record->caps, ","))};
  return std::nullopt;
}

void Host::open_artifacts() {
  pulls_ = std::make_unique<runtime::Offload>(limits::kPullsMax);
  credentials_ = std::make_shared<registry::Credentials>(config_.registry_credentials);
  auto layouts = config_.artifact_layouts;
  if (layouts.empty() && !artifact::installed_layout().empty())
    layouts.push_back(artifact::installed_layout());
  registries_ = std::make_shared<registry::RegistrySource>(
      registry::SourceOptions{.settings = config_.registries,
                              .credentials = credentials_,
                              .cache_dir = config_.artifact_cache_dir,
                              .stop = pulls_stop_.get_token()});
  resolver_ = std::make_unique<artifact::Resolver>(
      artifact::ResolverOptions{.layouts = std::move(layouts),
                                .allow_latest = config_.allow_latest,
                                .allow_files = true,
                                .registry = registries_,
                                .registry_first = config_.registry_first});
}

void Host::announce() {
  LOG(info, "Host {} ({}) started.", identity_.host.public_key(), identity_.friendly_name);
  LOG(info, "Host issuer public key: {}", identity_.cluster.public_key());
  LOG(info, "Valid cluster signers: {}", fmt::join(identity_.cluster_issuers, ", "));
  LOG(info, "Lattice {} on the {}; {} cores; {} links known, kept {}", config_.lattice,
      bus_->rpc().describe(), environment_.cores.size(), state_->links().size(),
      state_->describe());
  const auto message_max = bus_->rpc().payload_bytes_max();
  if (!bus_->embedded() && message_max < lattice::kRequestBytesUnchunkedMax)
    LOG(warn,
        "The NATS server takes messages of up to {} bytes (its max_payload): calls with larger "
        "bodies go through "
        "JetStream's object store, and fail where there is none; inventories and lists of links "
        "that are larger are not "
        "sent. 1 MiB is NATS' own default",
        message_max);
  tell_wash();
  events_->publish(events_->make.host_started(config_.labels, identity_.friendly_name));
}

void Host::tell_wash() {
  const auto folder = wash_folder();
  if (!config_.write_host_config || folder.empty()) return;
  const auto port = bus_->control_port();
  auto written = HostConfigFile::write(folder, config_, identity_, port);
  if (!written) {  // a container has no home, nor a wash in it
    LOG(debug, "{}", written.error().describe());
    return;
  }
  config_file_.emplace(std::move(*written));
  LOG(info, "Wrote configuration file {}", config_file_->path());
  if (config_file_->first_host().empty()) return;
  LOG(warn,
      "wash commands on this machine go on going to the host that was here first, at {}. To "
      "reach this one: wash ctl get hosts --context {}, or -r {} -p {} -x {}",
      config_file_->first_host(), config_file_->path(), bus_->control_host(), port,
      config_.lattice);
}

// --- while it runs ---

runtime::Task<void> Host::housekeep() {
  auto next_heartbeat = std::chrono::steady_clock::now();
  auto next_health = next_heartbeat + kHealthFirst;
  auto next_retry = next_heartbeat + kRetryLinksEvery;
  while (true) {
    const auto now = std::chrono::steady_clock::now();
    if (now >= next_heartbeat) {
      publish_heartbeat();
      peers_->forget_silent();
      next_heartbeat = now + kHeartbeatEvery;
    }
    if (now >= next_health) {
      CO_TRY_OK(co_await providers_->check_health());
      next_health = now + kHealthEvery;
    }
    if (now >= next_retry) {
      tasks_->spawn("trying links again", providers_->retry_failed_links());
      next_retry = now + kRetryLinksEvery;
    }
    CO_TRY_OK(
        co_await runtime::Core::current().sleep_until(runtime::Deadline::in(kHousekeepingTick)));
  }
}

void Host::publish_heartbeat() {
  const auto uptime =
      std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now() - started_);
  lattice::Heartbeat heartbeat;
  heartbeat.actors = actors_->heartbeat();
  heartbeat.providers = providers_->heartbeat();
  heartbeat.labels = config_.labels;
  heartbeat.friendly_name = identity_.friendly_name;
  heartbeat.version = TRELLIS_VERSION;
  heartbeat.uptime_seconds = static_cast<std::uint64_t>(uptime.count());
  heartbeat.uptime_human = uptime_human(uptime);
  heartbeat.seal = seal_->name();
  events_->publish(events_->make.host_heartbeat(heartbeat));
}

runtime::Task<std::string> Host::start_actor(Bytes wasm, std::uint16_t count) {
  if (phase() != Phase::serving)
    co_return fail(Errc::unavailable, "host.start_actor", "this host is stopping");
  co_return co_await actors_->start_bytes(std::move(wasm), "", count);
}

Host::Readiness Host::readiness() {
  if (leaving()) return {.why_not = "stopping"};
  if (!serving()) return {.why_not = "starting"};
  Readiness now{.bus_connected = bus_->connected()};
  if (was_ready_) return now;
  if (!now.bus_connected) now.why_not = "the NATS server is away";
  if (manifest_run_) {
    const auto missing = manifest_run_->missing();
    if (!missing.empty() && !now.why_not.empty()) now.why_not += "; ";
    now.why_not += missing;
  }
  was_ready_ = now.why_not.empty();
  return now;
}

runtime::Task<std::string> Host::metrics() { co_return co_await metrics_->text(); }

control::HostDescription Host::describe() const {
  const auto uptime =
      std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now() - started_);
  control::HostDescription description;
  description.id = identity_.host.public_key();
  description.issuer = identity_.cluster.public_key();
  description.friendly_name = identity_.friendly_name;
  description.labels = config_.labels;
  description.uptime_seconds = static_cast<std::uint64_t>(uptime.count());
  description.uptime_human = uptime_human(uptime);
  description.version = TRELLIS_VERSION;
  description.cluster_issuers = fmt::format("{}", fmt::join(identity_.cluster_issuers, ","));
  description.lattice_prefix = config_.lattice;
  description.ctl_host = config_.control.host;
  description.prov_rpc_host = config_.provider_rpc.host;
  description.rpc_host = config_.rpc.host;
  if (!config_.js_domain.empty()) description.js_domain = config_.js_domain;
  return description;
}

// --- stop ---

Result<void> Host::leave() {
  phase_ = Phase::leaving;
  return environment_.cores.run_blocking<void>(0, [this] { return leave_on_core(); });
}

runtime::Task<void> Host::leave_on_core() {
  config_file_.reset();  // wash finds another host from now on, or none
  control_->leave();
  co_return co_await providers_->prepare_stop();
}

Result<void> Host::stop(std::chrono::milliseconds limit) {
  phase_ = Phase::stopping;
  return environment_.cores.run_blocking<void>(0, [this, limit] { return stop_on_core(limit); });
}

// In the order in which each may need what follows: requests from outside, calls from other hosts,
// the rest. Requests in flight get most of the time, what follows them the rest.
runtime::Task<void> Host::stop_serving(runtime::Deadline deadline) {
  const auto complain = [](const char* what, const Result<void>& outcome) {
    if (!outcome) LOG(warn, "{}: {}", what, outcome.error().describe());
  };
  const auto for_requests = runtime::Deadline::in(deadline.remaining() * 2 / 3);
  complain("stopping the HTTP listeners", co_await providers_->stop_entrances(for_requests));
  // What the server has sent here by now still comes, and is answered: others take the next.
  actors_->leave_bus();
  providers_->leave_bus();
  const auto for_calls = runtime::Deadline::in(deadline.remaining() * 2 / 3);
  if (bus_->connected()) complain("leaving the bus", co_await bus_->rpc().flush(for_calls));
  complain("answering calls from the lattice", co_await delivery_->finish(for_calls));
  complain("stopping providers", co_await providers_->stop_all(deadline));
  complain("stopping actors", co_await actors_->stop_all());
  co_return Result<void>{};
}

runtime::Task<void> Host::stop_on_core(std::chrono::milliseconds limit) {
  const auto deadline = runtime::Deadline::in(limit);
  config_file_.reset();
  pulls_stop_.request_stop();
  if (control_) {  // start() came this far: there is something to take down and somebody to tell
    control_->close();
    CO_TRY_OK(co_await stop_serving(runtime::Deadline::in(limit * 9 / 10)));
  }
  if (tasks_) {
    tasks_->cancel();
    CO_TRY_OK(co_await tasks_->join(deadline));
  }
  while (visits_ > 0) {
    if (deadline.expired()) {
      co_return fail(Errc::timeout, "host.stop", "a request to the API is still under way");
    }
    CO_TRY_OK(co_await runtime::Core::current().sleep_until(runtime::Deadline::in(kStopPoll)));
  }
  if (control_) {  // a command that was under way may have started something since
    CO_TRY_OK(co_await providers_->stop_all(deadline));
    CO_TRY_OK(co_await actors_->stop_all());
    events_->publish(events_->make.host_stopped(config_.labels));
  }
  if (relay_) CO_TRY_OK(co_await relay_->close());
  if (state_) CO_TRY_OK(co_await state_->stop());
  // Were it not stopped, something of it would still run.
  if (bus_) CO_TRY_OK(co_await bus_->stop(deadline));
  take_apart();
  LOG(info, "Host {} stopped.", identity_.host.public_key());
  co_return Result<void>{};
}

void Host::take_apart() {  // on core 0, where all of it lives; the reverse of start_on_core()
  manifest_run_.reset();
  config_service_.reset();
  metrics_.reset();
  control_.reset();
  actors_.reset();
  links_.reset();
  providers_.reset();
  delivery_.reset();
  parts_.reset();
  router_.reset();
  policy_.reset();
  call_events_.reset();
  remote_.reset();
  large_.reset();
  peers_.reset();
  key_claim_.reset();
  seal_.reset();
  events_.reset();
  state_.reset();
  relay_.reset();
  bus_.reset();
  engine_.reset();
  resolver_.reset();
  registries_.reset();
  credentials_.reset();
  pulls_.reset();
  spawner_.reset();
  tasks_.reset();
}

}  // namespace trellis::host
