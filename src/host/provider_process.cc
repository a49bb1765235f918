#include "host/provider_process.h"

#include <fmt/format.h>

#include <csignal>

#include "base/log.h"
#include "codec/cloud_event.h"
#include "codec/json.h"
#include "codec/msgpack.h"
#include "host/guest_text.h"
#include "host/process_log.h"

namespace trellis::host {
namespace {

using namespace std::chrono_literals;
using runtime::ChildProcess;
using runtime::Deadline;

constexpr const char* kSite = "host.provider_process";
constexpr auto kPollFirst = 20ms;  // how often a starting provider is asked whether it is there
constexpr auto kPollLongest = 500ms;
constexpr auto kLastWords = 250ms;      // to read what a process wrote before it ended
constexpr auto kEndTimeout = 5s;        // after a kill
constexpr auto kUnwellTimeout = 500ms;  // for what is not well to answer "shut down"
constexpr auto kHandOverTimeout = 60s;
constexpr auto kLinkSettles = 50ms;  // for a link to show what it does to a provider
constexpr auto kStopPoll = 10ms;
constexpr std::size_t kLastWordsBytesMax = 300;
constexpr std::size_t kReadBytes = 16 * 1024;

// Errors that another try will not mend.
bool is_hopeless(const Error& error) {
  return error.code == Errc::invalid || error.code == Errc::denied ||
         error.code == Errc::not_found || error.code == Errc::corrupt;
}

// Whose fault it is that a request found nobody: the provider's, or the bus's itself.
bool nobody_listens(const Error& error) {
  return error.code == Errc::unavailable && error.detail.starts_with("no responders");
}

Bytes health_question() {  // docs/protocol.md §4.3
  Bytes out;
  codec::MsgpackWriter writer(out);
  writer.map(1);
  writer.str("placeholder");
  writer.boolean(true);
  return out;
}

// {healthy, message?}. Any answer is a sign of life; only one that says so is a complaint.
std::optional<std::string> complaint_in(BytesView answer) {
  codec::MsgpackReader reader(answer);
  const auto pairs = reader.map();
  if (!pairs) return std::nullopt;
  bool healthy = true;
  std::string message;
  for (std::size_t i = 0; i < *pairs; ++i) {
    const auto key = reader.text();
    if (!key) return std::nullopt;
    if (*key == "healthy") {
      const auto value = reader.boolean();
      if (!value) return std::nullopt;
      healthy = *value;
    } else if (*key == "message") {
      const auto nil = reader.try_nil();
      const auto text = nil && !*nil ? reader.text() : Result<std::string_view>("");
      if (text) message = *text;
    } else if (!reader.skip()) {
      return std::nullopt;
    }
  }
  if (healthy) return std::nullopt;
  return message.empty() ? "it says that it is not healthy" : as_log_line(message);
}

runtime::Task<void> end(runtime::TaskGroup& group) {
  group.cancel();
  while (group.size() > 0) (void)co_await group.join(Deadline::in(1s));
  co_return Result<void>{};
}

}  // namespace

ProviderProcess::ProviderProcess(Parts& parts, ProviderLoader& loader, Setup setup,
                                 std::function<void(const Change&)> changed)
    : parts_(parts),
      loader_(loader),
      setup_(std::move(setup)),
      changed_(std::move(changed)),
      key_(setup_.loaded.claims.subject),
      name_(as_log_line(setup_.loaded.claims.name)),
      group_(runtime::Core::current()),
      wake_(runtime::Core::current()),
      first_outcome_(runtime::Core::current()),
      backoff_(limits::kProviderRestartMin, limits::kProviderRestartMax) {}

ProviderProcess::~ProviderProcess() = default;

// --- one run after the other ---

runtime::Task<void> ProviderProcess::start() {
  group_.spawn("provider", supervise());
  if (!outcome_ && co_await first_outcome_.wait() == runtime::Wake::cancelled && !outcome_)
    co_return fail(Errc::cancelled, kSite, "no longer wanted");
  co_return *outcome_;
}

void ProviderProcess::started(Result<void> outcome) {
  if (outcome_) return;
  outcome_.emplace(std::move(outcome));
  first_outcome_.wake();
}

runtime::Task<void> ProviderProcess::supervise() {
  while (!stopping_) {
    const auto ended = co_await run_once();
    child_ = nullptr;
    if (stopping_ || (!ended && ended.error().code == Errc::cancelled)) break;
    if (!ended && !outcome_ && is_hopeless(ended.error())) {
      started(fail(ended.error()));
      break;
    }
    CO_TRY_OK(co_await pause(ended ? *ended : ended.error().detail));
  }
  started(fail(Errc::cancelled, kSite, "it was stopped while it started"));
  co_return Result<void>{};
}

runtime::Task<std::string> ProviderProcess::run_once() {
  CO_TRY_OK(co_await check_program());
  instance_id_ = codec::uuid4();
  state_ = {ProviderState::Kind::starting, "it is starting"};
  given_up_because_.clear();
  last_words_.clear();
  early_links_.clear();
  confirmed_ = was_up_ = false;
  auto data = host_data();
  data.links = links_.begin(wanted_links(), one_by_one_);
  CO_TRY(child_, co_await spawn());
  const Child child = child_;
  if (stopping_) child->send_signal(SIGKILL);

  runtime::TaskGroup work(runtime::Core::current());
  runtime::TaskGroup output(runtime::Core::current());
  output.spawn("a provider's stdout", log_output(child, ChildProcess::Stream::output));
  output.spawn("a provider's stderr", log_output(child, ChildProcess::Stream::errors));
  work.spawn("a provider's host data", give_host_data(child, capability::to_line(data)));
  work.spawn("a provider's health", watch(child));
  const auto exit = co_await child->exited();
  (void)co_await end(work);
  (void)co_await output.join(Deadline::in(kLastWords));
  (void)co_await end(output);
  if (!exit) co_return fail(exit.error());

  const std::string how = how_it_ended(*exit);
  if (handing_) {
    links_.blame(*handing_,
                 fmt::format("the provider ended when it was told of this link: {}", how));
    LOG(error,
        "provider {} ({}): the link of {} is withheld from it from now on: it ended when it "
        "was told of it",
        name_, key_, handing_->actor_id);
    handing_.reset();
  }
  // Twice in a row not up, and it was given links: perhaps it cannot bear one of them.
  failed_starts_ = was_up_ ? 0 : failed_starts_ + 1;
  if (failed_starts_ >= 2 && links_.known() > 0) one_by_one_ = true;
  co_return how;
}

runtime::Task<void> ProviderProcess::check_program() {
  const auto program = setup_.loaded.program;
  std::function<Result<void>()> check = [&program] {
    return artifact::ProgramFolder::check(program);
  };
  const auto same = co_await parts_.spawner.run<void>(std::move(check));
  if (same) co_return Result<void>{};
  if (same.error().code == Errc::cancelled) co_return same;
  LOG(warn, "provider {} ({}): {}; it is unpacked anew", name_, key_, same.error().detail);
  CO_TRY(auto loaded, co_await loader_.load(setup_.reference));
  if (loaded.claims.subject != key_ || loaded.program.hash != program.hash) {
    co_return fail(Errc::unavailable, kSite,
                   fmt::format("{} now leads to another program; stop the provider and start it to "
                               "run that one",
                               setup_.reference));
  }
  setup_.loaded = std::move(loaded);
  co_return Result<void>{};
}

runtime::Task<ProviderProcess::Child> ProviderProcess::spawn() {
  std::function<Result<runtime::SpawnedChild>()> start = [this] {
    return runtime::spawn_child({.program = setup_.loaded.program.path,
                                 .arguments = {},
                                 .environment = parts_.config.child_environment});
  };
  CO_TRY(auto spawned, co_await parts_.spawner.run<runtime::SpawnedChild>(std::move(start)));
  auto child = std::make_shared<ChildProcess>(runtime::Core::current(), std::move(spawned));
  LOG(info, "provider {} ({}, {}) runs as process {}", name_, key_, setup_.link_name, child->id());
  co_return child;
}

std::string ProviderProcess::how_it_ended(const runtime::ChildExit& exit) const {
  if (!given_up_because_.empty()) return given_up_because_ + ", and was killed";
  const std::string words = last_words_.substr(0, kLastWordsBytesMax);
  return words.empty() ? "it " + exit.text() : fmt::format("it {}: {}", exit.text(), words);
}

runtime::Task<void> ProviderProcess::pause(const std::string& why) {
  if (was_up_ && std::chrono::steady_clock::now() - up_since_ >= limits::kProviderSteadyAfter)
    backoff_.reset();
  const auto delay = backoff_.next(std::uniform_real_distribution<double>(0, 1)(random_));
  const double seconds = static_cast<double>(delay.count()) / 1000;
  LOG(error, "provider {} ({}, {}) is down: {}; it is started again in {:.1f} s", name_, key_,
      setup_.link_name, why, seconds);
  change_to(ProviderState::Kind::down,
            fmt::format("{}; it is started again after {:.1f} s", why, seconds),
            Change::Kind::down);
  started(fail(Errc::unavailable, kSite, state_.reason));
  if (co_await wake_.wait(Deadline::in(delay)) == runtime::Wake::cancelled)
    co_return fail(Errc::cancelled, kSite, "no longer wanted");
  co_return Result<void>{};
}

void ProviderProcess::change_to(ProviderState::Kind kind, std::string reason, Change::Kind told) {
  state_ = {kind, std::move(reason)};
  changed_({told, state_.reason});
}

// --- while it runs ---

capability::HostData ProviderProcess::host_data() const {
  capability::HostData data;
  data.host_id = parts_.identity.host.public_key();
  data.lattice = parts_.config.lattice;
  data.link_name = setup_.link_name;
  data.provider_key = key_;
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

runtime::Task<void> ProviderProcess::give_host_data(Child child, std::string line) {
  const auto written = co_await child->write_input(as_bytes(line));
  // It may end without reading: then its end says more than this.
  if (!written && written.error().code != Errc::cancelled)
    LOG(debug, "provider {} ({}) did not read its host data", name_, key_);
  co_return Result<void>{};
}

runtime::Task<void> ProviderProcess::log_output(Child child, ChildProcess::Stream stream) {
  const auto now = [] { return std::chrono::steady_clock::now(); };
  ProcessLog log([this](std::string_view line) { LOG(info, "[{} {}] {}", name_, key_, line); });
  Bytes buffer(kReadBytes);
  for (;;) {
    const auto count = co_await child->read(stream, buffer);
    if (!count || *count == 0) break;
    log.write(as_text({buffer.data(), *count}), now());
    const auto pause = log.pause(now());
    if (pause > 0ms && !co_await runtime::Core::current().sleep_until(Deadline::in(pause))) break;
  }
  log.end(now());
  if (!log.last_line().empty() && (stream == ChildProcess::Stream::errors || last_words_.empty()))
    last_words_ = log.last_line();
  co_return Result<void>{};
}

runtime::Task<void> ProviderProcess::watch(Child child) {
  CO_TRY(const bool answered, co_await answers_for_the_first_time());
  if (!answered) {
    give_up_on(child, fmt::format("it did not answer a health check within {} s of its start",
                                  limits::kProviderStartTimeout.count()));
    co_return Result<void>{};
  }
  CO_TRY_OK(co_await hand_over_links());
  if (!given_up_because_.empty()) co_return Result<void>{};
  was_up_ = true;
  one_by_one_ = false;
  up_since_ = std::chrono::steady_clock::now();
  change_to(ProviderState::Kind::running, {}, Change::Kind::up);
  started({});
  CO_TRY_OK(co_await hand_over_links());  // of which it was not told because it was not up
  changed_({Change::Kind::well, {}});
  co_return co_await watch_health(child);
}

// Asked again and again: a provider subscribes to this last, and nobody says when.
runtime::Task<bool> ProviderProcess::answers_for_the_first_time() {
  auto deadline = Deadline::in(limits::kProviderStartTimeout);
  for (std::chrono::milliseconds every = kPollFirst;;
       every = std::min<std::chrono::milliseconds>(every * 2, kPollLongest)) {
    std::string ignored;
    CO_TRY(const Answer answer, co_await ask_health(&ignored));
    if (answer == Answer::well || answer == Answer::unwell) co_return true;
    if (answer == Answer::bus_away) deadline = Deadline::in(limits::kProviderStartTimeout);
    if (deadline.expired()) co_return false;
    CO_TRY_OK(co_await runtime::Core::current().sleep_until(Deadline::in(every)));
  }
}

runtime::Task<void> ProviderProcess::watch_health(const Child& child) {
  unsigned silences = 0;
  std::optional<Deadline> gone;  // nobody listens: until then
  for (;;) {
    if (silences == 0)
      CO_TRY_OK(co_await runtime::Core::current().sleep_until(
          Deadline::in(limits::kProviderHealthEvery)));
    std::string complaint;
    CO_TRY(const Answer answer, co_await ask_health(&complaint));
    silences = answer == Answer::silence ? silences + 1 : 0;
    if (answer != Answer::nobody) gone.reset();
    switch (answer) {
      case Answer::well:
      case Answer::unwell:
        if (!std::exchange(confirmed_, true)) tell_again();
        note_health(answer == Answer::well, std::move(complaint));
        break;
      case Answer::silence:
        note_health(false, "it does not answer health checks");
        if (silences == limits::kProviderSilencesMax) {
          give_up_on(child, fmt::format("it did not answer {} health checks", silences));
          co_return Result<void>{};
        }
        break;
      case Answer::nobody:
        note_health(false, "it is not connected to the lattice");
        if (!gone) gone = Deadline::in(limits::kProviderStartTimeout);
        if (gone->expired()) {
          give_up_on(child, "it is not connected to the lattice any more");
          co_return Result<void>{};
        }
        break;
      case Answer::bus_away:
        break;  // says nothing about the provider
    }
  }
}

runtime::Task<ProviderProcess::Answer> ProviderProcess::ask_health(std::string* complaint) {
  lattice::Message question{.subject = parts_.subjects.provider_health(key_, setup_.link_name),
                            .reply = {},
                            .headers = {},
                            .data = health_question()};
  const auto answer = co_await parts_.bus.request(std::move(question),
                                                  Deadline::in(limits::kProviderHealthTimeout));
  if (!answer) {
    if (answer.error().code == Errc::cancelled) co_return fail(answer.error());
    if (answer.error().code == Errc::timeout) co_return Answer::silence;
    co_return nobody_listens(answer.error()) ? Answer::nobody : Answer::bus_away;
  }
  auto said = complaint_in(answer->data);
  if (!said) co_return Answer::well;
  *complaint = std::move(*said);
  co_return Answer::unwell;
}

void ProviderProcess::note_health(bool well, std::string why) {
  const bool was_well = state_.kind == ProviderState::Kind::running;
  if (well == was_well) {
    state_.reason = std::move(why);
    return;
  }
  if (!well) LOG(warn, "provider {} ({}) is not well: {}", name_, key_, why);
  change_to(well ? ProviderState::Kind::running : ProviderState::Kind::unhealthy, std::move(why),
            well ? Change::Kind::well : Change::Kind::unwell);
}

void ProviderProcess::give_up_on(const Child& child, std::string why) {
  given_up_because_ = std::move(why);
  child->send_signal(SIGKILL);
}

runtime::Task<void> ProviderProcess::health() {
  if (state_.kind == ProviderState::Kind::running) co_return Result<void>{};
  co_return fail(Errc::unavailable, kSite, state_.reason);
}

// --- links ---

std::vector<lattice::Link> ProviderProcess::wanted_links() const {
  auto links = parts_.state.links();
  std::erase_if(links, [this](const lattice::Link& link) {
    return link.provider_id != key_ || link.link_name != setup_.link_name ||
           link.contract_id != setup_.loaded.claims.contract_id;
  });
  return links;
}

runtime::Task<void> ProviderProcess::hand_over_links() {
  CO_TRY(const auto turn, co_await handing_over_.enter(Deadline::in(kHandOverTimeout)));
  for (auto steps = links_.missing(wanted_links()); !steps.empty();
       steps = links_.missing(wanted_links())) {
    for (const auto& step : steps) {
      tell(step);
      if (!one_by_one_ || step.gone) continue;
      handing_ = step.link;
      CO_TRY(const bool bears_it, co_await still_answers());
      if (!bears_it) {
        give_up_on(child_, "it did not answer any more when it was told of a link");
        co_return Result<void>{};
      }
      handing_.reset();
    }
  }
  co_return Result<void>{};
}

// When the process ends meanwhile, so does this, with an error.
runtime::Task<bool> ProviderProcess::still_answers() {
  for (unsigned tries = 0; tries < limits::kProviderSilencesMax;) {
    CO_TRY_OK(co_await runtime::Core::current().sleep_until(Deadline::in(kLinkSettles)));
    std::string ignored;
    CO_TRY(const Answer answer, co_await ask_health(&ignored));
    if (answer == Answer::well || answer == Answer::unwell) co_return true;
    if (answer != Answer::bus_away) ++tries;
  }
  co_return false;
}

void ProviderProcess::tell(const ProviderLinks::Step& step) {
  lattice::Message message;
  message.subject = step.gone ? parts_.subjects.provider_link_del(key_, setup_.link_name)
                              : parts_.subjects.provider_link_put(key_, setup_.link_name);
  message.data = lattice::to_msgpack(step.link, !step.gone);
  if (auto sent = parts_.bus.publish(std::move(message)); !sent) {
    links_.blame(step.link, fmt::format("it could not be sent: {}", sent.error().detail));
    return;
  }
  links_.told(step);
  if (!confirmed_ && !step.gone) early_links_.push_back(step.link);
}

// A provider makes its subscriptions side by side: that it answers about its health does not yet
// mean that it hears of links. Hearing twice of one does no harm.
void ProviderProcess::tell_again() {
  for (const auto& link : std::exchange(early_links_, {})) {
    const auto* now = parts_.state.link(link.actor_id, link.contract_id, link.link_name);
    if (now != nullptr && *now == link) tell({.link = link, .gone = false});
  }
  early_links_.clear();
}

runtime::Task<void> ProviderProcess::link_put(lattice::Link link) {
  links_.again(link);
  if (child_ && was_up_) co_return co_await hand_over_links();
  co_return Result<void>{};  // it will be told when it is up
}

runtime::Task<void> ProviderProcess::link_delete(lattice::Link) {
  if (child_ && was_up_) co_return co_await hand_over_links();
  co_return Result<void>{};
}

std::string ProviderProcess::why_withheld(const lattice::Link& link) const {
  return links_.why_withheld(link).value_or("");
}

// --- stop ---

runtime::Task<void> ProviderProcess::stop(Deadline deadline) {
  stopping_ = true;
  wake_.wake();
  if (const Child child = child_) CO_TRY_OK(co_await shut_down(child, deadline));
  const auto ended = co_await group_.join(Deadline::in(kEndTimeout));
  if (!ended) co_return co_await end(group_);
  co_return Result<void>{};
}

runtime::Task<void> ProviderProcess::shut_down(Child child, Deadline deadline) {
  const bool well = state_.kind == ProviderState::Kind::running;
  const std::chrono::milliseconds patience =
      well ? std::chrono::milliseconds(limits::kProviderShutdownTimeout) : kUnwellTimeout;
  lattice::Message order{.subject = parts_.subjects.provider_shutdown(key_, setup_.link_name),
                         .reply = {},
                         .headers = {},
                         .data = to_bytes(codec::json_write(
                             codec::json::object{{"host_id", parts_.identity.host.public_key()}}))};
  const auto answer =
      co_await parts_.bus.request(std::move(order), Deadline::in(patience).earlier_of(deadline));
  if (!answer) child->send_signal(SIGTERM);  // not there to be asked
  const auto until = Deadline::in(parts_.config.shutdown_delay).earlier_of(deadline);
  while (child->running() && !until.expired()) {
    if (!co_await runtime::Core::current().sleep_until(Deadline::in(kStopPoll))) break;
  }
  if (child->running()) child->send_signal(SIGKILL);
  co_return Result<void>{};
}

}  // namespace trellis::host
