#include "lattice/nats_bus.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <random>
#include <unordered_map>
#include <utility>

#include "base/log.h"
#include "lattice/bus_requests.h"
#include "lattice/subjects.h"
#include "runtime/parking.h"
#include "runtime/task_group.h"

namespace trellis::lattice {

using namespace std::chrono_literals;
using runtime::Deadline;
using runtime::Task;

namespace {

constexpr const char* kSite = "lattice.nats_bus";
constexpr std::size_t kServersMax = 64;   // also those learned from a cluster
constexpr auto kAskAgainWhoListens = 1s;  // after nobody did
constexpr auto kStopPoll = 2ms;

// One subject that may be listened to, or not (Bus::watch_interest). NATS tells nobody who listens;
// but a message that asks for an answer and reaches nobody comes back as such. So now and then one
// is sent with a reply subject of ours.
struct Watch {
  std::string subject;
  std::function<void(bool)> tell;
  std::chrono::steady_clock::time_point ask_at{};
};

constexpr std::string_view kWatchMark = "w";  // of its inbox, before its number

std::optional<std::size_t> watch_of(std::string_view name) {
  if (!name.starts_with(kWatchMark)) return std::nullopt;
  name.remove_prefix(kWatchMark.size());
  std::size_t number = 0;
  const auto [end, error] = std::from_chars(name.begin(), name.end(), number);
  return error == std::errc() && end == name.end() ? std::optional(number) : std::nullopt;
}

class NatsBusImpl final : public NatsBus {
 public:
  explicit NatsBusImpl(NatsBusOptions options);
  ~NatsBusImpl() override;

  Task<void> begin();

  Result<void> publish(Message message) override;
  Result<Subscription> subscribe(std::string subject, std::string queue_group,
                                 std::function<void(const Message&)> handler) override;
  Task<Message> request(Message message, Deadline deadline) override {
    return requests_.request(std::move(message), deadline);
  }
  Task<std::vector<Message>> collect(Message message, Deadline deadline) override {
    return requests_.collect(std::move(message), deadline);
  }
  void watch_interest(std::string subject, std::function<void(bool)> tell) override;
  std::size_t payload_bytes_max() const override { return info_.payload_max; }
  std::string describe() const override;
  BusNumbers numbers() const override {
    BusNumbers now = numbers_;
    now.connected = connected();
    return now;
  }

  Task<void> stop(Deadline deadline) override;
  Task<void> flush(Deadline deadline) override;
  bool connected() const override { return connection_ != nullptr; }
  const NatsServerInfo& server_info() const override { return info_; }

 private:
  struct Listener {
    std::string subject, queue_group;
    std::function<void(const Message&)> call;
    bool leaving = false;  // not subscribed any more; for what is on its way
  };

  Task<void> keep_connected();
  Task<void> connect_once();
  void adopt(std::shared_ptr<NatsConnection> connection);
  void lost(const std::string& why);
  void learn_servers(const NatsServerInfo& info);
  std::chrono::milliseconds next_pause();

  void take(const NatsCommand& message);
  void ask_who_listens(Message& message);
  void nobody_listens(std::size_t watch);
  Task<void> want_again(std::size_t watch);
  tl::unexpected<Error> away() const;
  void unsubscribe(std::uint64_t sid);
  void leave(std::uint64_t sid);

  NatsBusOptions options_;
  std::vector<NatsServer> servers_;
  std::size_t next_server_ = 0;
  NatsServerInfo info_;
  std::shared_ptr<NatsConnection> connection_;  // null while there is none
  std::string why_away_ = "not connected yet";
  std::unordered_map<std::uint64_t, std::shared_ptr<Listener>> listeners_;  // by sid
  std::uint64_t last_sid_ = 0;
  BusRequests requests_;
  Subscription inbox_;
  std::vector<Watch> watches_;  // few, none is ever removed

  std::minstd_rand random_{std::random_device{}()};
  std::chrono::milliseconds pause_{0};
  BusNumbers numbers_;
  bool stopping_ = false;
  std::optional<Result<void>> first_outcome_;
  runtime::Parking started_, wake_;
  runtime::TaskGroup tasks_;
  // What subscriptions and posted work hold on to: null when the bus has gone.
  std::shared_ptr<NatsBusImpl*> self_ = std::make_shared<NatsBusImpl*>(this);
};

NatsBusImpl::NatsBusImpl(NatsBusOptions options)
    : options_(std::move(options)),
      servers_(options_.servers),  // those it learns follow
      requests_([this](Message message) -> Result<bool> {
        TRY_OK(publish(std::move(message)));
        return true;
      }),
      started_(runtime::Core::current()),
      wake_(runtime::Core::current()),
      tasks_(runtime::Core::current()) {}

NatsBusImpl::~NatsBusImpl() {
  *self_ = nullptr;
  requests_.close();
}

// --- the connection ---

Task<void> NatsBusImpl::begin() {
  CO_TRY(inbox_, subscribe(requests_.inbox_pattern(), "", [](const Message&) {}));
  tasks_.spawn("NATS", keep_connected());
  if (!first_outcome_) co_await started_.wait(Deadline::in(options_.start_timeout));
  if (first_outcome_) co_return *first_outcome_;
  first_outcome_ = fail(Errc::unavailable, kSite, why_away_);
  co_return *first_outcome_;
}

Task<void> NatsBusImpl::keep_connected() {
  while (!stopping_) {
    auto ended = co_await connect_once();
    if (stopping_ || (!ended && ended.error().code == Errc::cancelled)) break;
    if (!ended) {
      const bool known = why_away_ == ended.error().detail;
      why_away_ = ended.error().detail;
      const auto code = ended.error().code;
      if (!first_outcome_ && (code == Errc::unauthenticated || code == Errc::invalid)) {
        first_outcome_ = fail(std::move(ended).error());
        started_.wake();
        break;
      }
      if (!known) LOG(warn, "{}; it is tried again", why_away_);
    }
    if (co_await wake_.wait(Deadline::in(next_pause())) == runtime::Wake::cancelled) break;
  }
  co_return Result<void>();
}

// Returns when the connection has ended; an error is about making it.
Task<void> NatsBusImpl::connect_once() {
  const auto server = servers_[next_server_ % servers_.size()];
  ++next_server_;
  CO_TRY(auto made, co_await NatsConnection::connect(options_.connection, server,
                                                     Deadline::in(options_.attempt_timeout)));
  if (stopping_) co_return fail(Errc::cancelled, kSite, "no longer wanted");
  adopt(made);
  const auto why = co_await NatsConnection::run(
      made, [this](const NatsCommand& message) { take(message); },
      [this, weak = std::weak_ptr(made)] {  // called by made
        const auto strong = weak.lock();
        info_ = strong->info();
        learn_servers(info_);
        if (info_.leaving && servers_.size() > 1) strong->close("the server is about to stop");
      });
  lost(why ? *why : why.error().detail);
  co_return Result<void>();
}

void NatsBusImpl::adopt(std::shared_ptr<NatsConnection> connection) {
  info_ = connection->info();
  learn_servers(info_);
  connection_ = std::move(connection);
  connection_->on_refused(
      [this](std::string_view subject, const std::string& why) { requests_.refuse(subject, why); });
  for (const auto& [sid, listener] : listeners_) {
    if (!listener->leaving)
      (void)connection_->subscribe(listener->subject, listener->queue_group, sid);
  }
  pause_ = 0ms;
  if (!first_outcome_) {
    first_outcome_ = Result<void>();
    started_.wake();
    return;
  }
  ++numbers_.reconnects;
  LOG(info, "Connected to the {} again", describe());
  if (options_.changed) options_.changed(true, "");
}

void NatsBusImpl::lost(const std::string& why) {
  const auto address = connection_->server().address();
  connection_.reset();
  why_away_ = fmt::format("the connection to the NATS server at {} was lost: {}", address, why);
  requests_.fail_waiting(why_away_);
  if (stopping_) return;
  LOG(warn, "{}", why_away_);
  if (options_.changed) options_.changed(false, why_away_);
}

// What a server says of its cluster replaces what was learned before: servers come and go. They are
// learned as addresses, and show the certificate of the name that led to the first.
void NatsBusImpl::learn_servers(const NatsServerInfo& info) {
  if (info.connect_urls.empty()) return;
  servers_ = options_.servers;
  for (const auto& url : info.connect_urls) {
    auto server = NatsServer::parse(url);
    if (!server || servers_.size() >= kServersMax) continue;
    const bool known = std::ranges::any_of(servers_, [&](const NatsServer& each) {
      return each.host == server->host && each.port == server->port;
    });
    server->tls_name = options_.servers.front().host;
    if (!known) servers_.push_back(*std::move(server));
  }
}

// Every server once without a pause; then it doubles, and no two hosts have the same.
std::chrono::milliseconds NatsBusImpl::next_pause() {
  if (next_server_ % servers_.size() != 0) return 0ms;
  pause_ = std::clamp(pause_ * 2, options_.pause_min, options_.pause_max);
  const auto half = pause_.count() / 2;
  return std::chrono::milliseconds(half +
                                   std::uniform_int_distribution<std::int64_t>(0, half)(random_));
}

Task<void> NatsBusImpl::flush(Deadline deadline) {
  if (!connection_) co_return away();
  const auto answered = std::make_shared<runtime::Parking>(runtime::Core::current());
  connection_->ask([answered] { answered->wake(); });
  switch (co_await answered->wait(deadline)) {
    case runtime::Wake::woken:
      break;
    case runtime::Wake::expired:
      co_return fail(Errc::timeout, kSite, "the NATS server did not answer within the time given");
    case runtime::Wake::cancelled:
      co_return fail(Errc::cancelled, kSite, "no longer wanted");
  }
  if (!connection_) co_return away();
  co_return Result<void>();
}

Task<void> NatsBusImpl::stop(Deadline deadline) {
  stopping_ = true;
  requests_.close();
  while (connection_ && !connection_->all_written() && !deadline.expired())
    CO_TRY_OK(co_await runtime::Core::current().sleep_until(Deadline::in(kStopPoll)));
  if (connection_) connection_->close("this host leaves");
  wake_.wake();
  tasks_.cancel();
  co_return co_await tasks_.join(deadline);
}

// --- messages ---

tl::unexpected<Error> NatsBusImpl::away() const {
  return fail(Errc::unavailable, kSite, why_away_);
}

Result<void> NatsBusImpl::publish(Message message) {
  if (stopping_ && !connection_) return fail(Errc::unavailable, kSite, "the bus has stopped");
  if (!connection_) return away();
  TRY_OK(check_message(message, info_.payload_max));
  if (!watches_.empty() && message.reply.empty()) ask_who_listens(message);
  const auto bytes = message.data.size();
  TRY_OK(connection_->publish(std::move(message)));
  ++numbers_.messages_out;
  numbers_.bytes_out += bytes;
  return {};
}

Result<Subscription> NatsBusImpl::subscribe(std::string subject, std::string queue_group,
                                            std::function<void(const Message&)> handler) {
  if (stopping_) return fail(Errc::unavailable, kSite, "the bus has stopped");
  if (!valid_pattern(subject))
    return fail(Errc::invalid, kSite, fmt::format("'{}' is not a subject", subject.substr(0, 80)));
  if (!queue_group.empty() && !valid_subject(queue_group))
    return fail(Errc::invalid, kSite,
                fmt::format("'{}' is no name of a group", queue_group.substr(0, 80)));
  const auto sid = ++last_sid_;
  const auto listener = std::make_shared<Listener>(
      Listener{std::move(subject), std::move(queue_group), std::move(handler)});
  listeners_.emplace(sid, listener);
  // When there is no connection, or it ends just now, it is subscribed with the next one.
  if (connection_) (void)connection_->subscribe(listener->subject, listener->queue_group, sid);
  return Subscription(
      [self = self_, sid] {
        if (*self) (*self)->unsubscribe(sid);
      },
      [self = self_, sid] {
        if (*self) (*self)->leave(sid);
      });
}

void NatsBusImpl::unsubscribe(std::uint64_t sid) {
  const auto found = listeners_.find(sid);
  if (found == listeners_.end()) return;
  const bool known = !found->second->leaving;
  listeners_.erase(found);
  if (connection_ && known) connection_->unsubscribe(sid);
}

void NatsBusImpl::leave(std::uint64_t sid) {
  const auto found = listeners_.find(sid);
  if (found == listeners_.end()) return;
  found->second->leaving = true;
  if (connection_) connection_->unsubscribe(sid);
}

void NatsBusImpl::take(const NatsCommand& command) {
  std::uint64_t sid = 0;
  std::from_chars(command.sid.begin(), command.sid.end(), sid);
  const auto found = listeners_.find(sid);
  if (found == listeners_.end()) return;  // unsubscribed meanwhile
  ++numbers_.messages_in;
  numbers_.bytes_in += command.payload.size();
  Message message{std::string(command.subject),
                  std::string(command.reply),
                  {},
                  Bytes(command.payload.begin(), command.payload.end())};
  if (command.has_headers) message.headers = parse_nats_header_block(command.headers);
  if (requests_.is_inbox(message.subject)) {
    if (const auto watch = watch_of(requests_.name_in_inbox(message.subject))) {
      if (says_no_responders(message)) nobody_listens(*watch);
      return;
    }
    return requests_.answer(std::move(message));
  }
  const auto listener = found->second;  // it may unsubscribe itself
  listener->call(message);
}

void NatsBusImpl::watch_interest(std::string subject, std::function<void(bool)> tell) {
  tell(true);
  watches_.push_back({std::move(subject), std::move(tell)});
}

void NatsBusImpl::ask_who_listens(Message& message) {
  const auto watch = std::ranges::find(watches_, message.subject, &Watch::subject);
  if (watch == watches_.end() || std::chrono::steady_clock::now() < watch->ask_at) return;
  watch->ask_at = std::chrono::steady_clock::now() + kAskAgainWhoListens;
  message.reply = requests_.in_inbox(fmt::format("{}{}", kWatchMark, watch - watches_.begin()));
}

void NatsBusImpl::nobody_listens(std::size_t watch) {
  if (watch >= watches_.size()) return;
  watches_[watch].tell(false);
  tasks_.spawn("who listens", want_again(watch));
}

Task<void> NatsBusImpl::want_again(std::size_t watch) {
  CO_TRY_OK(co_await runtime::Core::current().sleep_until(Deadline::in(kAskAgainWhoListens)));
  watches_[watch].ask_at = {};
  watches_[watch].tell(true);
  co_return Result<void>();
}

std::string NatsBusImpl::describe() const {
  const auto& at = connection_ ? connection_->server() : servers_.front();
  return info_.server_name.empty() || !connection_
             ? fmt::format("NATS server at {}", at.address())
             : fmt::format("NATS server {} {} at {}", info_.server_name, info_.version,
                           at.address());
}

}  // namespace

Task<std::unique_ptr<NatsBus>> NatsBus::start(NatsBusOptions options) {
  if (options.servers.empty()) co_return fail(Errc::invalid, kSite, "no NATS server is named");
  auto bus = std::make_unique<NatsBusImpl>(std::move(options));
  if (auto begun = co_await bus->begin(); !begun) {
    CO_TRY_OK(co_await bus->stop(Deadline::in(5s)));
    co_return fail(std::move(begun).error());
  }
  std::unique_ptr<NatsBus> made = std::move(bus);
  co_return made;
}

}  // namespace trellis::lattice
