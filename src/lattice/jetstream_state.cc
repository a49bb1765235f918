#include "lattice/jetstream_state.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>
#include <vector>

#include "base/log.h"
#include "claims/jwt.h"
#include "lattice/jetstream_publisher.h"

namespace trellis::lattice {

namespace {

namespace json = boost::json;
using runtime::Core;
using runtime::Deadline;
using runtime::Task;
using runtime::Wake;
using namespace std::chrono_literals;

constexpr const char* kSite = "lattice.jetstream.state";
constexpr auto kRoundsTimeout = 30s;  // for the runs before one's own
constexpr int kHeartbeatsMissedMax = 3;

// Ours, unknown to other programs: "<host's mark>.<number of the change>", and of a record that is
// given back, where it was: "<lost stream>/<sequence>".
constexpr std::string_view kChangeHeader = "Trellis-Change";
constexpr std::string_view kFormerHeader = "Trellis-Former-Place";

std::optional<std::uint64_t> parse_number(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

// docs/protocol.md §8.1
json::object stream_config(const Subjects& subjects) {
  return {{"name", subjects.cache_stream()},
          {"subjects", json::array{subjects.cache(">")}},
          {"retention", "limits"},
          {"max_consumers", -1},
          {"max_msgs_per_subject", 1},
          {"max_msgs", -1},
          {"max_bytes", -1},
          {"max_age", 0},
          {"max_msg_size", -1},
          {"storage", "memory"},
          {"discard", "old"},
          {"num_replicas", 1},
          {"duplicate_window", 120'000'000'000}};
}

json::object consumer_config(const Subjects& subjects, const std::string& inbox,
                             std::chrono::nanoseconds heartbeat) {
  return {{"description", "cache loader for " + subjects.prefix},
          {"ack_policy", "explicit"},
          {"filter_subject", ">"},
          {"deliver_policy", "last_per_subject"},
          {"deliver_subject", inbox},
          {"max_ack_pending", 20'000},
          {"max_deliver", -1},
          {"replay_policy", "instant"},
          {"idle_heartbeat", heartbeat.count()}};
}

}  // namespace

JetStreamState::JetStreamState(Bus& bus, SharedStateOptions options)
    : StateTables(std::move(options.observer)),
      jetstream_(bus, {.domain = options.domain, .timeout = options.timeout}),
      subjects_{.prefix = options.prefix},
      heartbeat_(options.heartbeat),
      self_(claims::new_jti()),
      tasks_(Core::current()) {}

Task<void> JetStreamState::open() {
  CO_TRY_OK(co_await resync());
  opened_ = true;
  tasks_.spawn("lattice state: watch", watch());
  co_return Result<void>();
}

Task<void> JetStreamState::stop() {
  inbox_.reset();
  tasks_.cancel();
  co_return co_await tasks_.join(Deadline::in(kRoundsTimeout));
}

std::string JetStreamState::describe() const {
  return fmt::format("in JetStream, stream {}", subjects_.cache_stream());
}

// --- Synchronising ---

Task<void> JetStreamState::resync() {
  const auto wanted = round_ + 1;  // one that begins from now on
  CO_TRY(const auto turn, co_await turns_.enter(Deadline::in(kRoundsTimeout)));
  if (rounds_ended_ >= wanted) co_return last_round_;
  ++round_;
  auto result = co_await synchronise();
  if (!result && result.error().code == Errc::cancelled) co_return result;
  rounds_ended_ = round_;
  last_round_ = result;
  co_return result;
}

Task<void> JetStreamState::synchronise() {
  CO_TRY(const auto stream, co_await jetstream_.ensure_stream(stream_config(subjects_)));
  const bool known = !stream_made_.empty();
  if (known && (stream.created != stream_made_ || stream.last_sequence < last_read_))
    forget_places();
  stream_made_ = stream.created;
  CO_TRY_OK(co_await follow());
  drop_what_was_removed();
  co_return co_await give_back();
}

// The stream is another one, or has lost what was in it.
void JetStreamState::forget_places() {
  for (auto& [key, known] : known_) {
    if (known.sequence != 0) known.former = Place{stream_made_, known.sequence};
    known.sequence = 0;
    known.other_ids.clear();
  }
  last_read_ = 0;
}

// Reads the last record of each subject, and then whatever comes.
Task<void> JetStreamState::follow() {
  const auto id = claims::new_jti();
  const auto inbox = "_INBOX." + id;
  read_ = false;
  heard_ = 0;
  heard_at_ = std::chrono::steady_clock::now();
  inbox_.reset();
  CO_TRY(inbox_,
         jetstream_.bus().subscribe(inbox, "", [this](const Message& message) { hear(message); }));
  CO_TRY(const auto consumer,
         co_await jetstream_.create_consumer(subjects_.cache_stream(),
                                             consumer_config(subjects_, inbox, heartbeat_), id));
  if (consumer.pending == 0 && heard_ == 0) read_ = true;
  co_return co_await wait_until_read();
}

Task<void> JetStreamState::wait_until_read() {
  auto before = heard_;
  while (!read_) {
    runtime::Parking parking(Core::current());
    reading_ = &parking;
    const auto wake = co_await parking.wait(Deadline::in(jetstream_.timeout()));
    reading_ = nullptr;
    if (wake == Wake::cancelled) co_return fail(Errc::cancelled, kSite, "no longer wanted");
    if (wake == Wake::expired && heard_ == before)
      co_return fail(Errc::timeout, kSite,
                     fmt::format("JetStream stopped in the middle of stream {}: {} records came, "
                                 "then nothing for {} ms",
                                 subjects_.cache_stream(), heard_, jetstream_.timeout().count()));
    before = heard_;
  }
  co_return Result<void>();
}

// Records that somebody has removed from the stream itself. Links go with them; claims and
// references stay, since what they say is still true.
void JetStreamState::drop_what_was_removed() {
  std::vector<std::string> removed;
  for (const auto& [key, known] : known_)
    if (known.sequence != 0 && known.round != round_) removed.push_back(key);
  for (const auto& key : removed) {
    const auto known = known_.extract(key);
    if (const auto* link = std::get_if<Link>(&known.mapped().record))
      apply(DeletedLink{*link}, 0, Origin::elsewhere);
  }
}

// What a lost stream had and the new one does not, in the order it had there. Somebody may be
// quicker: then what is in the stream counts.
Task<void> JetStreamState::give_back() {
  std::vector<std::pair<std::uint64_t, Message>> lost;
  for (const auto& [key, known] : known_)
    if (known.sequence == 0 && known.round != round_ && known.former)
      lost.emplace_back(known.former->sequence, message_of(known, 0));
  if (lost.empty()) co_return Result<void>();
  std::ranges::sort(lost, {}, &std::pair<std::uint64_t, Message>::first);
  LOG(info, "The server had lost the lattice state; giving back {} records to stream {}",
      lost.size(), subjects_.cache_stream());
  CO_TRY(const auto publisher,
         JetStreamPublisher::open(jetstream_, JetStreamPublisher::Refusals::pass));
  for (auto& [sequence, message] : lost) CO_TRY_OK(co_await publisher->publish(std::move(message)));
  co_return co_await publisher->finish();
}

// Somebody gave back an older record than this host knows.
Task<void> JetStreamState::overrule(std::string key, std::uint64_t sequence) {
  const auto found = known_.find(key);
  if (found == known_.end() || !found->second.former) co_return Result<void>();
  const auto published = co_await jetstream_.publish(message_of(found->second, sequence));
  if (!published && published.error().code != Errc::invalid) co_return fail(published.error());
  co_return Result<void>();
}

Message JetStreamState::message_of(const Known& known, std::uint64_t expected_last) const {
  auto message = to_message(known.record, subjects_);
  message.headers = {{"Nats-Expected-Last-Subject-Sequence", std::to_string(expected_last)},
                     {std::string(kFormerHeader),
                      fmt::format("{}/{}", known.former->stream, known.former->sequence)}};
  return message;
}

// Servers of a cluster come and go without our connection noticing, and a consumer with them.
Task<void> JetStreamState::watch() {
  bool said = false;
  for (;;) {
    const auto late = heard_at_ + kHeartbeatsMissedMax * heartbeat_;
    CO_TRY_OK(co_await Core::current().sleep_until({late}));
    if (heard_at_ + kHeartbeatsMissedMax * heartbeat_ > late) {
      said = false;
      continue;
    }
    if (!std::exchange(said, true))
      LOG(warn, "Nothing is heard of stream {}; asking for it again", subjects_.cache_stream());
    const auto done = co_await resync();
    if (done) continue;
    LOG(debug, "lattice state: {}", done.error().describe());
    CO_TRY_OK(co_await Core::current().sleep_until(Deadline::in(heartbeat_)));
  }
}

// --- Reading ---

void JetStreamState::hear(const Message& message) {
  heard_at_ = std::chrono::steady_clock::now();
  if (is_control(message)) return answer_control(jetstream_.bus(), message);
  const auto delivery = parse_delivery(message.reply);
  if (!delivery) return;  // not from a consumer
  ++heard_;
  const auto heard = from_message(message, subjects_);
  if (heard) {
    accept(message, *heard, delivery->stream_sequence);
  } else {
    LOG(warn, "{} in stream {} is not understood: {}", message.subject, subjects_.cache_stream(),
        heard.error().describe());
  }
  // One that is lost is asked for: the record comes again, and is known.
  (void)jetstream_.bus().publish({message.reply, "", {}, {}});
  last_read_ = std::max(last_read_, delivery->stream_sequence);
  if (delivery->pending == 0) {
    read_ = true;
    if (reading_) reading_->wake();
  }
  const auto past = awaited_.upper_bound(last_read_);
  for (auto waiting = awaited_.begin(); waiting != past; ++waiting)
    waiting->second->progress.wake();
}

void JetStreamState::accept(const Message& message, const HeardRecord& heard,
                            std::uint64_t sequence) {
  const auto key = key_of(heard.record);
  auto& known = known_[key];
  known.round = round_;
  if (sequence <= known.sequence) return;
  if (const auto place = former_place(message); place && known.former &&
                                                place->stream == known.former->stream &&
                                                place->sequence < known.former->sequence) {
    tasks_.spawn("lattice state: overrule", overrule(key, sequence));
    return;
  }
  bool own = false;
  const auto change = own_change(message, own);
  const auto origin = !opened_ ? Origin::loaded : own ? Origin::here : Origin::elsewhere;
  auto former = apply(heard.record, sequence, origin);
  const bool deleted = std::holds_alternative<DeletedLink>(heard.record);
  known.record = deleted && former ? DeletedLink{*former} : heard.record;
  known.sequence = sequence;
  known.former.reset();
  if (deleted)
    known.other_ids.erase(heard.link_id);
  else if (const auto* link = std::get_if<Link>(&heard.record); link && link->id() != heard.link_id)
    known.other_ids.insert(heard.link_id);
  if (!change || change->applied) return;
  change->applied = true;
  change->former = std::move(former);
  change->progress.wake();
}

std::optional<JetStreamState::Place> JetStreamState::former_place(const Message& message) {
  const auto text = header(message, kFormerHeader);
  if (!text) return std::nullopt;
  const auto slash = text->rfind('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const auto sequence = parse_number(text->substr(slash + 1));
  if (!sequence) return std::nullopt;
  return Place{std::string(text->substr(0, slash)), *sequence};
}

std::shared_ptr<JetStreamState::Change> JetStreamState::own_change(const Message& message,
                                                                   bool& own) const {
  const auto text = header(message, kChangeHeader).value_or("");
  const auto dot = text.find('.');
  own = dot != std::string_view::npos && text.substr(0, dot) == self_;
  if (!own) return nullptr;
  const auto found = changes_.find(parse_number(text.substr(dot + 1)).value_or(0));
  return found == changes_.end() ? nullptr : found->second;
}

// --- Changing ---

Task<void> JetStreamState::put_link(Link link) {
  CO_TRY_OK(co_await change(std::move(link)));
  co_return Result<void>();
}

Task<std::optional<Link>> JetStreamState::delete_link(std::string actor_id, std::string contract_id,
                                                      std::string link_name) {
  const auto* known = link(actor_id, contract_id, link_name);
  auto named = known
                   ? *known
                   : named_link(std::move(actor_id), std::move(contract_id), std::move(link_name));
  co_return co_await change(DeletedLink{std::move(named)});
}

Task<void> JetStreamState::put_claims(ClaimsRecord record) {
  CO_TRY_OK(co_await change(std::move(record)));
  co_return Result<void>();
}

Task<void> JetStreamState::put_reference(std::string reference, std::string public_key) {
  CO_TRY_OK(co_await change(Reference{std::move(reference), std::move(public_key)}));
  co_return Result<void>();
}

bool JetStreamState::is_changing(const std::string& key) const {
  return std::ranges::any_of(changes_, [&](const auto& entry) { return entry.second->key == key; });
}

// Publishes before it waits for anything, so that changes are in the stream in the order of their
// tasks.
Task<std::optional<Link>> JetStreamState::change(StateRecord record) {
  auto key = key_of(record);
  if (holds(record) && !is_changing(key)) co_return std::nullopt;
  if (changes_.size() >= kChangesMax)
    co_return fail(Errc::exhausted, kSite,
                   "too many changes wait for the NATS server; try again later");
  struct Listed {
    Changes& in;
    std::uint64_t number;
    ~Listed() { in.erase(number); }
  };
  const Listed listed{changes_, ++last_change_};
  auto change = std::make_shared<Change>(key);
  changes_.emplace(listed.number, change);
  auto message = to_message(record, subjects_);
  message.headers = {{std::string(kChangeHeader), fmt::format("{}.{}", self_, listed.number)}};
  if (const auto* deleted = std::get_if<DeletedLink>(&record)) {
    if (const auto known = known_.find(key); known != known_.end())
      for (const auto& id : known->second.other_ids) {
        auto other = to_message(*deleted, subjects_, id);
        other.headers = message.headers;
        CO_TRY_OK(jetstream_.bus().publish(std::move(other)));
      }
    change->former = deleted->link.provider_id.empty() ? std::optional<Link>() : deleted->link;
  }
  CO_TRY(const auto sequence, co_await publish(std::move(message)));
  CO_TRY_OK(co_await wait_until_applied(change, sequence));
  co_return std::move(change->former);
}

// Once more when the stream was gone.
Task<std::uint64_t> JetStreamState::publish(Message message) {
  auto published = co_await jetstream_.publish(message);
  if (published || published.error().code != Errc::unavailable) co_return published;
  CO_TRY_OK(co_await resync());
  co_return co_await jetstream_.publish(std::move(message));
}

// Until it was read, or something after it: then it was replaced before anybody read it.
Task<void> JetStreamState::wait_until_applied(std::shared_ptr<Change> change,
                                              std::uint64_t sequence) {
  struct Listed {
    Awaited& in;
    Awaited::iterator at;
    ~Listed() { in.erase(at); }
  };
  const Listed listed{awaited_, awaited_.emplace(sequence, change)};
  bool asked_again = false;
  while (!change->applied && last_read_ < sequence) {
    const auto wake = co_await change->progress.wait(Deadline::in(jetstream_.timeout()));
    if (wake == Wake::cancelled) co_return fail(Errc::cancelled, kSite, "no longer wanted");
    if (wake == Wake::woken) continue;
    if (std::exchange(asked_again, true))
      co_return fail(Errc::timeout, kSite,
                     fmt::format("JetStream has the change but does not tell it to this host "
                                 "(stream {})",
                                 subjects_.cache_stream()));
    CO_TRY_OK(co_await resync());
  }
  co_return Result<void>();
}

}  // namespace trellis::lattice
