#include "host/provider_process.h"

#include <fmt/format.h>

#include "base/log.h"
#include "codec/cloud_event.h"
#include "host/guest_text.h"

namespace trellis::host {
namespace {

using namespace std::chrono_literals;
using runtime::Deadline;

constexpr const char* kSite = "host.provider_process";
constexpr auto kEndTimeout = 5s;  // after a kill

// Errors that another try will not mend.
bool is_hopeless(const Error& error) {
  return error.code == Errc::invalid || error.code == Errc::denied ||
         error.code == Errc::not_found || error.code == Errc::corrupt;
}

}  // namespace

ProviderProcess::ProviderProcess(Parts& parts, ProviderLoader& loader, Setup setup,
                                 std::function<void(const Change&)> changed)
    : parts_(parts),
      loader_(loader),
      setup_(std::move(setup)),
      changed_(std::move(changed)),
      provider_{.key = setup_.loaded.claims.subject,
                .link_name = setup_.link_name,
                .contract_id = setup_.loaded.claims.contract_id,
                .name = as_log_line(setup_.loaded.claims.name)},
      group_(runtime::Core::current()),
      wake_(runtime::Core::current()),
      first_outcome_(runtime::Core::current()),
      backoff_(limits::kProviderRestartMin, limits::kProviderRestartMax) {}

ProviderProcess::~ProviderProcess() = default;

runtime::Task<void> ProviderProcess::start() {
  group_.spawn("provider", supervise());
  if (!outcome_ && co_await first_outcome_.wait() == runtime::Wake::cancelled && !outcome_)
    co_return fail(Errc::cancelled, kSite, "no longer wanted");
  co_return *outcome_;
}

void ProviderProcess::start_ends(Result<void> outcome) {
  if (outcome_) return;
  outcome_.emplace(std::move(outcome));
  first_outcome_.wake();
}

runtime::Task<void> ProviderProcess::supervise() {
  while (!stopping_) {
    const auto ended = co_await run_once();
    run_.reset();
    if (stopping_ || (!ended && ended.error().code == Errc::cancelled)) break;
    if (!ended && !outcome_ && is_hopeless(ended.error())) {
      start_ends(fail(ended.error()));
      break;
    }
    CO_TRY_OK(co_await pause(ended ? *ended : ended.error().detail));
  }
  start_ends(fail(Errc::cancelled, kSite, "it was stopped while it started"));
  co_return Result<void>{};
}

runtime::Task<std::string> ProviderProcess::run_once() {
  up_since_.reset();
  state_ = {ProviderState::Kind::starting,
            why_down_.empty() ? "it is starting" : "it is being started again; " + why_down_};
  CO_TRY_OK(co_await check_program());
  if (stopping_) co_return std::string("it was stopped");
  if (!instance_id_.empty()) ++restarts_;
  instance_id_ = codec::uuid4();
  run_ = std::make_shared<ProviderRun>(
      parts_, provider_, links_,
      ProviderRun::Options{.one_by_one = one_by_one_,
                           .health_changed = [this](bool well, const std::string& why) {
                             health_changed(well, why);
                           }});
  auto ended = co_await run_->run(setup_.loaded.program.path, host_data());
  one_by_one_ = run_->ended_after_a_link() || (one_by_one_ && !up_since_);
  co_return ended;
}

runtime::Task<void> ProviderProcess::check_program() {
  const auto program = setup_.loaded.program;
  std::function<Result<void>()> check = [&program] {
    return artifact::ProgramFolder::check(program);
  };
  const auto same = co_await parts_.spawner.run<void>(std::move(check));
  if (same || same.error().code == Errc::cancelled) co_return same;
  LOG(warn, "provider {} ({}): {}; it is unpacked anew", provider_.name, provider_.key,
      same.error().detail);
  CO_TRY(auto loaded, co_await loader_.load(setup_.reference));
  if (loaded.claims.subject != provider_.key || loaded.program.hash != program.hash) {
    co_return fail(Errc::unavailable, kSite,
                   fmt::format("{} now leads to another program; stop the provider and start it to "
                               "run that one",
                               setup_.reference));
  }
  setup_.loaded = std::move(loaded);
  co_return Result<void>{};
}

runtime::Task<void> ProviderProcess::pause(const std::string& why) {
  if (up_since_ && std::chrono::steady_clock::now() - *up_since_ >= limits::kProviderSteadyAfter)
    backoff_.reset();
  const auto delay = backoff_.next(std::uniform_real_distribution<double>(0, 1)(random_));
  const double seconds = static_cast<double>(delay.count()) / 1000;
  LOG(error, "provider {} ({}, {}) is down: {}; it is started again in {:.1f} s", provider_.name,
      provider_.key, provider_.link_name, why, seconds);
  why_down_ = why;
  change_to(ProviderState::Kind::down,
            fmt::format("{}; it is started again after {:.1f} s", why, seconds),
            Change::Kind::down);
  start_ends(fail(Errc::unavailable, kSite, state_.reason));
  if (co_await wake_.wait(Deadline::in(delay)) == runtime::Wake::cancelled)
    co_return fail(Errc::cancelled, kSite, "no longer wanted");
  co_return Result<void>{};
}

void ProviderProcess::change_to(ProviderState::Kind kind, std::string reason, Change::Kind told) {
  state_ = {kind, std::move(reason)};
  changed_({told, state_.reason});
}

void ProviderProcess::health_changed(bool well, const std::string& why) {
  if (!up_since_) {
    up_since_ = std::chrono::steady_clock::now();
    why_down_.clear();
    change_to(ProviderState::Kind::running, "", Change::Kind::up);
    start_ends({});
  }
  change_to(well ? ProviderState::Kind::running : ProviderState::Kind::unhealthy, why,
            well ? Change::Kind::well : Change::Kind::unwell);
}

capability::HostData ProviderProcess::host_data() const {
  capability::HostData data;
  data.host_id = parts_.identity.host.public_key();
  data.lattice = parts_.config.lattice;
  data.link_name = provider_.link_name;
  data.provider_key = provider_.key;
  data.instance_id = instance_id_;
  data.bus_url = parts_.provider_bus.url;
  data.user_jwt = parts_.provider_bus.user_jwt;
  data.user_seed = parts_.provider_bus.user_seed;
  data.tls = parts_.provider_bus.tls;
  data.config_json = setup_.config_json;
  data.rpc_timeout = parts_.config.rpc_timeout;
  data.cluster_issuers = parts_.identity.cluster_issuers;
  data.invocation_seed = parts_.identity.cluster.seed();
  data.structured_logging = parts_.config.log.json;
  return data;
}

runtime::Task<void> ProviderProcess::link_put(lattice::Link link) {
  links_.again(link);
  if (const auto run = run_) co_return co_await run->tell_links();
  co_return Result<void>{};
}

runtime::Task<void> ProviderProcess::link_delete(lattice::Link) {
  if (const auto run = run_) co_return co_await run->tell_links();
  co_return Result<void>{};
}

runtime::Task<void> ProviderProcess::try_links_again() {
  if (const auto run = run_) co_return co_await run->try_links_again();
  co_return Result<void>{};
}

runtime::Task<void> ProviderProcess::health() {
  if (state_.kind == ProviderState::Kind::running) co_return Result<void>{};
  co_return fail(Errc::unavailable, kSite, state_.reason);
}

runtime::Task<void> ProviderProcess::stop(Deadline deadline) {
  stopping_ = true;
  wake_.wake();
  if (const auto run = run_) CO_TRY_OK(co_await run->shut_down(deadline));
  const auto ended = co_await group_.join(Deadline::in(kEndTimeout));
  group_.cancel();
  while (group_.size() > 0) (void)co_await group_.join(Deadline::in(1s));
  co_return ended;
}

}  // namespace trellis::host
