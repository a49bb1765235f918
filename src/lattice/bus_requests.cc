#include "lattice/bus_requests.h"

#include <fmt/format.h>

#include <charconv>

#include "claims/jwt.h"
#include "runtime/parking.h"

namespace trellis::lattice {

namespace {
constexpr const char* kSite = "lattice.bus.request";
}

struct BusRequests::Table {
  struct Waiter {
    explicit Waiter(std::size_t wanted_max)
        : wanted(wanted_max), parking(runtime::Core::current()) {}
    std::size_t wanted;  // answers after which waiting ends
    std::vector<Message> answers;
    runtime::Parking parking;
  };

  std::shared_ptr<BusRouter> router;
  std::string prefix;  // of all inboxes, with its last dot
  std::unordered_map<std::uint64_t, Waiter*> waiters;
  std::uint64_t last_id = 0;
  bool closed = false;

  void answer(const Message& message) {
    const auto number = std::string_view(message.subject).substr(prefix.size());
    std::uint64_t id = 0;
    const auto [end, error] = std::from_chars(number.begin(), number.end(), id);
    if (error != std::errc() || end != number.end()) return;
    const auto found = waiters.find(id);
    if (found == waiters.end()) return;  // too late
    auto& waiter = *found->second;
    if (waiter.answers.size() == waiter.wanted) return;
    waiter.answers.push_back(message);
    if (waiter.answers.size() == waiter.wanted) waiter.parking.wake();
  }

  // Sends the message with an inbox as its reply and waits until the deadline or for enough
  // answers. What came is in `waiter`; an error is about asking, not about too few answers.
  static runtime::Task<runtime::Wake> ask(std::shared_ptr<Table> table, Message message,
                                          runtime::Deadline deadline, Waiter& waiter);
};

runtime::Task<runtime::Wake> BusRequests::Table::ask(std::shared_ptr<Table> table, Message message,
                                                     runtime::Deadline deadline, Waiter& waiter) {
  const auto id = ++table->last_id;
  message.reply = fmt::format("{}{}", table->prefix, id);
  CO_TRY_OK(table->router->check(message));
  struct Registered {
    Table& in;
    std::uint64_t id;
    ~Registered() { in.waiters.erase(id); }
  };
  table->waiters.emplace(id, &waiter);
  const Registered registered{*table, id};
  Parcel parcel(std::move(message));
  const auto routed = table->router->route(parcel, nullptr);
  if (routed.delivered == 0) {
    if (routed.refused)
      co_return fail(Errc::exhausted, kSite,
                     fmt::format("receivers of {} are too far behind", parcel.subject()));
    co_return fail(Errc::unavailable, kSite, fmt::format("no responders on {}", parcel.subject()));
  }
  const auto wake = co_await waiter.parking.wait(deadline);
  if (table->closed) co_return fail(Errc::unavailable, kSite, "the bus has stopped");
  co_return wake;
}

Result<std::unique_ptr<BusRequests>> BusRequests::start(std::shared_ptr<BusRouter> router) {
  auto table = std::make_shared<Table>();
  table->router = std::move(router);
  table->prefix = fmt::format("_INBOX.{}.", claims::new_jti());
  auto answer = [weak = std::weak_ptr(table)](const Message& message) {
    if (const auto strong = weak.lock()) strong->answer(message);
  };
  std::unique_ptr<BusRequests> requests(new BusRequests(table));
  TRY(requests->inbox_, table->router->subscribe(table->prefix + "*", "", answer));
  return requests;
}

BusRequests::BusRequests(std::shared_ptr<Table> table) : table_(std::move(table)) {}

BusRequests::~BusRequests() { close(); }

void BusRequests::close() {
  table_->closed = true;
  for (const auto& [id, waiter] : table_->waiters) waiter->parking.wake();
}

runtime::Task<Message> BusRequests::request(Message message, runtime::Deadline deadline) {
  auto table = table_;
  Table::Waiter waiter(1);
  auto subject = message.subject;
  CO_TRY(const auto wake, co_await Table::ask(table, std::move(message), deadline, waiter));
  if (!waiter.answers.empty()) co_return std::move(waiter.answers.front());
  if (wake == runtime::Wake::cancelled) co_return fail(Errc::cancelled, kSite, "no longer wanted");
  co_return fail(Errc::timeout, kSite,
                 fmt::format("no answer on {} within the time given", subject));
}

runtime::Task<std::vector<Message>> BusRequests::collect(Message message,
                                                         runtime::Deadline deadline) {
  auto table = table_;
  Table::Waiter waiter(kCollectedMax);
  const auto asked = co_await Table::ask(table, std::move(message), deadline, waiter);
  // Nobody to ask is an answer too: none.
  if (!asked && !(asked.error().code == Errc::unavailable && !table->closed))
    co_return tl::unexpected<Error>(asked.error());
  if (asked && *asked == runtime::Wake::cancelled)
    co_return fail(Errc::cancelled, kSite, "no longer wanted");
  co_return std::move(waiter.answers);
}

}  // namespace trellis::lattice
