#include "host/provider_run.h"

#include <fmt/format.h>

#include <csignal>

#include "base/log.h"
#include "capability/provider_service.h"
#include "codec/json.h"
#include "codec/msgpack.h"
#include "host/guest_text.h"
#include "host/process_log.h"

namespace trellis::host {
namespace {

using namespace std::chrono_literals;
using runtime::ChildProcess;
using runtime::Deadline;

constexpr auto kPollFirst = 20ms;  // how often a starting provider is asked whether it is there
constexpr auto kPollLongest = 500ms;
constexpr auto kLastWords = 250ms;      // to read what a process wrote before it ended
constexpr auto kUnwellTimeout = 500ms;  // for what is not well to answer "shut down"
constexpr auto kHandOverTimeout = 60s;
constexpr auto kLinkTimeout = 15s;   // for the answer of one that answers
constexpr auto kLinkSettles = 50ms;  // for a link to show what it does to a provider
constexpr auto kStopPoll = 10ms;
constexpr std::size_t kLastWordsBytesMax = 300;
constexpr std::size_t kReadBytes = 16 * 1024;

Bytes health_question() {  // docs/protocol.md §4.3
  Bytes out;
  codec::MsgpackWriter writer(out);
  writer.map(1);
  writer.str("placeholder");
  writer.boolean(true);
  return out;
}

struct HealthAnswer {
  bool healthy = true;
  std::string message;
  bool answers_links = false;
};

// {healthy, message?, link_answers?}. Any answer is a sign of life; only one that says so is a
// complaint.
Result<HealthAnswer> read_health(BytesView bytes) {
  codec::MsgpackReader reader(bytes);
  HealthAnswer answer;
  TRY(const auto pairs, reader.map());
  for (std::size_t i = 0; i < pairs; ++i) {
    TRY(const auto key, reader.text());
    TRY(const auto nil, reader.try_nil());
    if (nil) continue;
    if (key == "healthy") {
      TRY(answer.healthy, reader.boolean());
    } else if (key == capability::kLinkAnswers) {
      TRY(answer.answers_links, reader.boolean());
    } else if (key == "message") {
      TRY(const auto text, reader.text());
      answer.message = as_log_line(text);
    } else {
      TRY_OK(reader.skip());
    }
  }
  if (!answer.healthy && answer.message.empty()) answer.message = "it says that it is not healthy";
  return answer;
}

runtime::Task<void> end(runtime::TaskGroup& group) {
  group.cancel();
  while (group.size() > 0) (void)co_await group.join(Deadline::in(1s));
  co_return Result<void>{};
}

}  // namespace

ProviderRun::ProviderRun(Parts& parts, const Provider& provider, ProviderLinks& links,
                         Options options)
    : parts_(parts), provider_(provider), links_(links), options_(std::move(options)) {}

ProviderRun::~ProviderRun() = default;

// --- from the start to the end ---

runtime::Task<std::string> ProviderRun::run(std::string program, capability::HostData data) {
  data.links = links_.begin(wanted_links(), options_.one_by_one);
  told_ = data.links.size();
  CO_TRY_OK(co_await spawn(std::move(program)));
  if (stopping_) give_up("it was stopped while it started");

  runtime::TaskGroup work(runtime::Core::current());
  runtime::TaskGroup output(runtime::Core::current());
  output.spawn("a provider's stdout", log_output(child_, ChildProcess::Stream::output));
  output.spawn("a provider's stderr", log_output(child_, ChildProcess::Stream::errors));
  work.spawn("a provider's host data", give_host_data(child_, capability::to_line(data)));
  work.spawn("a provider's health", watch());
  const auto exit = co_await child_->exited();
  up_ = false;
  (void)co_await end(work);
  (void)co_await output.join(Deadline::in(kLastWords));
  (void)co_await end(output);
  if (!exit) co_return fail(exit.error());
  const auto how = how_it_ended(*exit);
  if (in_hand_) blame_the_link_in_hand(how);
  co_return how;
}

runtime::Task<void> ProviderRun::spawn(std::string program) {
  std::function<Result<runtime::SpawnedChild>()> start = [this, &program] {
    return runtime::spawn_child(
        {.program = program, .arguments = {}, .environment = parts_.config.child_environment});
  };
  CO_TRY(auto spawned, co_await parts_.spawner.run<runtime::SpawnedChild>(std::move(start)));
  child_ = std::make_shared<ChildProcess>(runtime::Core::current(), std::move(spawned));
  LOG(info, "provider {} ({}, {}) runs as process {}", provider_.name, provider_.key,
      provider_.link_name, child_->id());
  co_return Result<void>{};
}

std::string ProviderRun::how_it_ended(const runtime::ChildExit& exit) {
  if (!given_up_because_.empty()) return given_up_because_ + ", and was killed";
  last_words_.resize(std::min(last_words_.size(), kLastWordsBytesMax));
  if (last_words_.empty()) return "it " + exit.text();
  // Who is killed does not say why: what it wrote before may be about anything.
  return fmt::format("it {}{} {}", exit.text(),
                     exit.signal == 0 ? ":" : "; its last line was:", last_words_);
}

void ProviderRun::blame_the_link_in_hand(const std::string& how) {
  links_.blame(*in_hand_, "the provider ended when it was told of this link: " + how);
  LOG(error, "provider {} ({}): it is not told of the link of {} any more, for it ended of it",
      provider_.name, provider_.key, in_hand_->actor_id);
}

runtime::Task<void> ProviderRun::give_host_data(Child child, std::string line) {
  const auto written = co_await child->write_input(as_bytes(line));
  // It may end without reading: then its end says more than this.
  if (!written && written.error().code != Errc::cancelled)
    LOG(debug, "provider {} ({}) did not read its host data", provider_.name, provider_.key);
  co_return Result<void>{};
}

runtime::Task<void> ProviderRun::log_output(Child child, ChildProcess::Stream stream) {
  const auto now = [] { return std::chrono::steady_clock::now(); };
  ProcessLog log([this](std::string_view line) {
    if (log::enabled(log::Level::info))
      log::write_of(log::Level::info, {"provider", provider_.key, provider_.name}, line);
  });
  Bytes buffer(kReadBytes);
  for (;;) {
    const auto count = co_await child->read(stream, buffer);
    if (!count || *count == 0) break;
    log.write(as_text({buffer.data(), *count}), now());
    const auto pause = log.pause(now());
    if (pause > 0ms && !co_await runtime::Core::current().sleep_until(Deadline::in(pause))) break;
  }
  log.end(now());
  const bool better = stream == ChildProcess::Stream::errors || last_words_.empty();
  if (better && !log.last_line().empty()) last_words_ = log.last_line();
  co_return Result<void>{};
}

// --- health ---

runtime::Task<void> ProviderRun::watch() {
  CO_TRY(const bool answered, co_await answers_for_the_first_time());
  if (!answered) {
    give_up(fmt::format("it did not answer a health check within {} s of its start",
                        limits::kProviderStartTimeout.count()));
    co_return Result<void>{};
  }
  CO_TRY_OK(co_await hand_over_links());
  if (!given_up_because_.empty()) co_return Result<void>{};
  up_ = true;
  note_health(true, "");
  CO_TRY_OK(co_await tell_links());  // of which it was not told because it was not up
  co_return co_await watch_health();
}

// Asked again and again: a provider subscribes to this last, and nobody says when.
runtime::Task<bool> ProviderRun::answers_for_the_first_time() {
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

runtime::Task<void> ProviderRun::watch_health() {
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
        if (!std::exchange(hears_, true)) CO_TRY_OK(co_await tell_again());
        note_health(answer == Answer::well, complaint);
        break;
      case Answer::silence:
        note_health(false, "it does not answer health checks");
        if (silences == limits::kProviderSilencesMax)
          give_up(fmt::format("it did not answer {} health checks", silences));
        break;
      case Answer::nobody:
        note_health(false, "it is not connected to the lattice");
        if (!gone) gone = Deadline::in(limits::kProviderStartTimeout);
        if (gone->expired()) give_up("it is not connected to the lattice any more");
        break;
      case Answer::bus_away:
        break;  // says nothing about the provider
    }
    if (!given_up_because_.empty()) co_return Result<void>{};
  }
}

runtime::Task<ProviderRun::Answer> ProviderRun::ask_health(std::string* complaint) {
  lattice::Message question{
      .subject = parts_.subjects.provider_health(provider_.key, provider_.link_name),
      .reply = {},
      .headers = {},
      .data = health_question()};
  const auto told = told_;
  const auto answer = co_await parts_.bus.request(std::move(question),
                                                  Deadline::in(limits::kProviderHealthTimeout));
  if (!answer) {
    if (answer.error().code == Errc::cancelled) co_return fail(answer.error());
    if (answer.error().code == Errc::timeout) co_return Answer::silence;
    // Whose fault it is that nobody was found: the provider's, or the bus's itself.
    co_return lattice::is_no_responders(answer.error()) ? Answer::nobody : Answer::bus_away;
  }
  answered_ = std::max(answered_, told);
  auto said = read_health(answer->data);
  if (!said) co_return Answer::well;
  answers_links_ = said->answers_links;
  *complaint = std::move(said->message);
  co_return said->healthy ? Answer::well : Answer::unwell;
}

void ProviderRun::note_health(bool well, const std::string& why) {
  const Health now = well ? Health::well : Health::unwell;
  if (std::exchange(health_, now) != now) options_.health_changed(well, why);
}

void ProviderRun::give_up(std::string why) {
  given_up_because_ = std::move(why);
  child_->send_signal(SIGKILL);
}

// --- links ---

std::vector<lattice::Link> ProviderRun::wanted_links() const {
  auto links = parts_.state.links();
  std::erase_if(links, [this](const lattice::Link& link) {
    return link.provider_id != provider_.key || link.link_name != provider_.link_name ||
           link.contract_id != provider_.contract_id;
  });
  return links;
}

runtime::Task<void> ProviderRun::tell_links() {
  if (up_) co_return co_await hand_over_links();
  co_return Result<void>{};
}

// Whoever put a link waits here, too, and not only what ends with this process: each wait may
// outlive it, and its links_ are by then those of the next one.
runtime::Task<void> ProviderRun::hand_over_links() {
  CO_TRY(const auto turn, co_await handing_over_.enter(Deadline::in(kHandOverTimeout)));
  std::erase_if(settling_, [](const auto& one) { return one.second.expired(); });
  while (runs()) {
    const auto steps = links_.missing(wanted_links());
    if (steps.empty()) break;
    for (const auto& step : steps) {
      CO_TRY_OK(co_await let_settle(step.link.actor_id));
      if (!runs()) co_return Result<void>{};
      tell(step);
      if (!options_.one_by_one || step.gone) continue;
      in_hand_ = step.link;
      CO_TRY(const bool bears, co_await bears_it());
      if (!runs()) co_return Result<void>{};  // whose link is still in hand: it ended of it
      if (!bears) {
        give_up("it did not answer any more when it was told of a link");
        co_return Result<void>{};
      }
      in_hand_.reset();
    }
  }
  if (answers_links_) co_return co_await ask_about(links_.unanswered());
  co_return Result<void>{};
}

// Providers of 2022 hear of what is put and of what is taken back in two tasks, and ignore a link
// of an actor that they still have one of: told of both at once, they may be left with neither or
// with the wrong one.
runtime::Task<void> ProviderRun::let_settle(const std::string& actor) {
  if (answers_links_) co_return Result<void>{};  // ours take one thing after the other
  const auto found = settling_.find(actor);
  if (found == settling_.end()) co_return Result<void>{};
  co_return co_await runtime::Core::current().sleep_until(found->second);
}

bool ProviderRun::runs() const { return child_ && child_->running(); }

runtime::Task<void> ProviderRun::try_links_again() {
  if (!up_ || !answers_links_) co_return Result<void>{};
  CO_TRY(const auto turn, co_await handing_over_.enter(Deadline::in(kHandOverTimeout)));
  co_return co_await ask_about(links_.worth_trying_again());
}

runtime::Task<void> ProviderRun::ask_about(std::vector<lattice::Link> links) {
  for (auto& link : links) {
    if (!runs()) break;
    CO_TRY_OK(co_await ask_about(std::move(link)));
  }
  co_return Result<void>{};
}

// Tells it once more, this time for an answer.
runtime::Task<void> ProviderRun::ask_about(lattice::Link link) {
  lattice::Message question{
      .subject = parts_.subjects.provider_link_put(provider_.key, provider_.link_name),
      .reply = {},
      .headers = {},
      .data = lattice::to_msgpack(link, true)};
  const auto answer = co_await parts_.bus.request(std::move(question), Deadline::in(kLinkTimeout));
  if (!answer) {
    if (answer.error().code == Errc::cancelled) co_return fail(answer.error());
    co_return Result<void>{};  // its health says more
  }
  if (!runs()) co_return Result<void>{};
  const auto said = codec::json_parse(as_text(answer->data));
  if (!said || !said->is_object()) co_return Result<void>{};
  const auto error = codec::json_string(said->get_object(), "error");
  const auto may_pass = codec::json_bool(said->get_object(), capability::kMayPass);
  const auto trouble = as_log_line(error ? error->value_or("") : "");
  if (!trouble.empty() && trouble != links_.trouble(link)) {
    LOG(error, "link {} → {} ({}): {}; the link is kept, other links work on", link.actor_id,
        provider_.key, provider_.link_name, trouble);
  }
  links_.answered(link, trouble, may_pass && may_pass->value_or(false));
  co_return Result<void>{};
}

runtime::Task<bool> ProviderRun::bears_it() {
  const auto latest =
      Deadline::in(kHandOverTimeout);  // the bus may be away for as long as it likes
  for (unsigned tries = 0; tries < limits::kProviderSilencesMax && runs() && !latest.expired();) {
    CO_TRY_OK(co_await runtime::Core::current().sleep_until(Deadline::in(kLinkSettles)));
    std::string ignored;
    CO_TRY(const Answer answer, co_await ask_health(&ignored));
    if (answer == Answer::well || answer == Answer::unwell) co_return true;
    if (answer != Answer::bus_away) ++tries;
  }
  co_return false;
}

void ProviderRun::tell(const ProviderLinks::Step& step) {
  lattice::Message message;
  message.subject = step.gone
                        ? parts_.subjects.provider_link_del(provider_.key, provider_.link_name)
                        : parts_.subjects.provider_link_put(provider_.key, provider_.link_name);
  message.data = lattice::to_msgpack(step.link, !step.gone);
  if (auto sent = parts_.bus.publish(std::move(message)); !sent) {
    links_.blame(step.link, fmt::format("it could not be sent: {}", sent.error().detail));
    return;
  }
  links_.told(step);
  ++told_;
  settling_.insert_or_assign(step.link.actor_id, Deadline::in(kLinkChangeSettles));
  if (!hears_ && !step.gone) early_links_.push_back(step.link);
}

// A provider makes its subscriptions side by side: that it answers about its health does not yet
// mean that it hears of links. Hearing twice of one does no harm.
runtime::Task<void> ProviderRun::tell_again() {
  CO_TRY(const auto turn, co_await handing_over_.enter(Deadline::in(kHandOverTimeout)));
  for (const auto& link : std::exchange(early_links_, {})) {
    if (links_.was_told(link)) tell({.link = link, .gone = false});
  }
  co_return Result<void>{};
}

// --- the end ---

runtime::Task<void> ProviderRun::shut_down(Deadline deadline) {
  stopping_ = true;
  const Child child = child_;
  if (!child || !child->running()) co_return Result<void>{};
  const std::chrono::milliseconds patience =
      up_ && health_ == Health::well ? std::chrono::milliseconds(limits::kProviderShutdownTimeout)
                                     : kUnwellTimeout;
  lattice::Message order{
      .subject = parts_.subjects.provider_shutdown(provider_.key, provider_.link_name),
      .reply = {},
      .headers = {},
      .data = to_bytes(
          codec::json_write(codec::json::object{{"host_id", parts_.identity.host.public_key()}}))};
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
