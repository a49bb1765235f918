#include "lattice/bus_router.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "lattice/subjects.h"
#include "runtime/core.h"

namespace trellis::lattice {

namespace {

constexpr std::size_t kHandledPerTurn = 256;   // then the sockets have their turn
constexpr std::size_t kMessageOverhead = 256;  // of memory, beside the data

std::size_t weight(const Message& message) { return message.data.size() + kMessageOverhead; }

tl::unexpected<Error> too_far_behind(const Parcel& parcel) {
  return fail(Errc::exhausted, "lattice.bus.publish",
              fmt::format("receivers of {} are too far behind", parcel.subject()));
}

}  // namespace

// Outlives its subscription while messages for it wait or it runs.
struct BusRouter::Handler {
  std::function<void(const Message&)> call;
  bool cancelled = false;
};

class BusRouter::LocalReceiver final : public Receiver {
 public:
  LocalReceiver(BusRouter& router, std::string pattern, std::string queue,
                std::function<void(const Message&)> call)
      : Receiver(std::move(pattern), std::move(queue)),
        router_(router),
        handler_(std::make_shared<Handler>(std::move(call))) {}
  bool wants(const void*) const override { return true; }
  const void* owner() const override { return nullptr; }
  bool deliver(Parcel& parcel) override { return router_.enqueue(handler_, parcel.message()); }
  void cancel() { handler_->cancelled = true; }

 private:
  BusRouter& router_;
  std::shared_ptr<Handler> handler_;
};

BusRouter::Routed BusRouter::route(Parcel& parcel, const void* publisher) {
  Routed routed;
  matches_.clear();
  index_.match(parcel.subject(), matches_);
  for (auto* entry : matches_.entries) {
    auto* receiver = static_cast<Receiver*>(entry);
    if (!receiver->wants(publisher)) continue;
    ++(receiver->deliver(parcel) ? routed.delivered : routed.refused);
  }
  // Sorted, so that groups of one name under several patterns lie together: they are one group.
  auto& groups = matches_.groups;
  std::ranges::sort(groups, {}, [](const auto& group) { return group.first; });
  for (std::size_t i = 0; i < groups.size();) {
    const auto name = groups[i].first;
    members_.clear();
    for (; i < groups.size() && groups[i].first == name; ++i) {
      for (auto* entry : *groups[i].second) members_.push_back(static_cast<Receiver*>(entry));
    }
    const auto first = random_() % members_.size();
    for (std::size_t step = 0; step < members_.size(); ++step) {
      auto* member = members_[(first + step) % members_.size()];
      if (!member->wants(publisher)) continue;
      ++(member->deliver(parcel) ? routed.delivered : routed.refused);
      break;
    }
  }
  return routed;
}

void BusRouter::add(Receiver& receiver) {
  index_.insert(receiver);
  tell_watches();
}

void BusRouter::remove(Receiver& receiver) {
  index_.remove(receiver);
  tell_watches();
}

void BusRouter::watch_interest(std::string subject, std::function<void(bool)> tell) {
  const bool listening = listened_to(subject);
  tell(listening);
  watches_.push_back({std::move(subject), std::move(tell), listening});
}

bool BusRouter::listened_to(std::string_view subject) {
  SubjectIndex::Matches found;  // not matches_: a route() may be under way
  index_.match(subject, found);
  return !found.entries.empty() || !found.groups.empty();
}

void BusRouter::tell_watches() {
  for (auto& watch : watches_) {
    const bool listening = listened_to(watch.subject);
    if (std::exchange(watch.listening, listening) != listening) watch.tell(listening);
  }
}

const Receiver* BusRouter::receiver_of(const void* owner, std::string_view subject) {
  matches_.clear();
  index_.match(subject, matches_);
  const auto owned = [&](const SubjectIndex::Entry* entry) {
    return static_cast<const Receiver*>(entry)->owner() == owner;
  };
  for (const auto* entry : matches_.entries)
    if (owned(entry)) return static_cast<const Receiver*>(entry);
  for (const auto& [name, group] : matches_.groups) {
    const auto found = std::ranges::find_if(*group, owned);
    if (found != group->end()) return static_cast<const Receiver*>(*found);
  }
  return nullptr;
}

Result<void> BusRouter::check(const Message& message) const {
  if (closed_) return fail(Errc::unavailable, "lattice.bus.publish", "the bus has stopped");
  return check_message(message, limits_.payload_bytes_max);
}

Result<void> BusRouter::publish(Message message) {
  TRY_OK(check(message));
  count_out(message);
  Parcel parcel(std::move(message));
  if (route(parcel, nullptr).refused) return too_far_behind(parcel);
  return {};
}

Result<bool> BusRouter::publish_heard(Message message) {
  TRY_OK(check(message));
  count_out(message);
  Parcel parcel(std::move(message));
  const auto routed = route(parcel, nullptr);
  if (routed.delivered == 0 && routed.refused) return too_far_behind(parcel);
  return routed.delivered > 0;
}

Result<Subscription> BusRouter::subscribe(std::string subject, std::string queue_group,
                                          std::function<void(const Message&)> handler) {
  constexpr const char* kSite = "lattice.bus.subscribe";
  if (closed_) return fail(Errc::unavailable, kSite, "the bus has stopped");
  if (!valid_pattern(subject))
    return fail(Errc::invalid, kSite, fmt::format("'{}' is not a subject", subject.substr(0, 80)));
  if (!queue_group.empty() && !valid_subject(queue_group))
    return fail(Errc::invalid, kSite,
                fmt::format("'{}' is no name of a group", queue_group.substr(0, 80)));
  auto receiver = std::make_shared<LocalReceiver>(*this, std::move(subject), std::move(queue_group),
                                                  std::move(handler));
  add(*receiver);
  return Subscription([weak = weak_from_this(), receiver] {
    receiver->cancel();
    if (const auto router = weak.lock()) router->remove(*receiver);
  });
}

bool BusRouter::enqueue(const std::shared_ptr<Handler>& handler,
                        const std::shared_ptr<const Message>& message) {
  if (queued_bytes_ + weight(*message) > limits_.pending_bytes_max) return false;
  queued_bytes_ += weight(*message);
  ++numbers_.messages_in;
  numbers_.bytes_in += message->data.size();
  queue_.push_back({handler, message});
  schedule();
  return true;
}

void BusRouter::schedule() {
  if (std::exchange(scheduled_, true)) return;
  runtime::Core::current().post([weak = weak_from_this()] {
    if (const auto router = weak.lock()) router->work_off();
  });
}

void BusRouter::work_off() {
  scheduled_ = false;
  for (auto left = std::min(queue_.size(), kHandledPerTurn); left > 0 && !queue_.empty(); --left) {
    const auto waiting = std::move(queue_.front());
    queue_.pop_front();
    queued_bytes_ -= weight(*waiting.message);
    if (!waiting.handler->cancelled) waiting.handler->call(*waiting.message);
  }
  if (!queue_.empty()) schedule();
}

void BusRouter::close() {
  closed_ = true;
  watches_.clear();
  queue_.clear();
  queued_bytes_ = 0;
}

}  // namespace trellis::lattice
