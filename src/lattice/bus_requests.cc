#include "lattice/bus_requests.h"

#include <fmt/format.h>

#include <charconv>

#include "claims/jwt.h"
#include "runtime/parking.h"

namespace trellis::lattice {

namespace {
constexpr const char* kSite = "lattice.bus.request";
constexpr std::string_view kNoResponders = "lattice.bus.no_responders";
}  // namespace

bool is_no_responders(const Error& error) { return error.site == kNoResponders; }

bool says_no_responders(const Message& message) {
  return message.data.empty() && !message.headers.empty() &&
         message.headers.front().first == "Status" && message.headers.front().second == "503";
}

struct BusRequests::Table {
  struct Waiter {
    explicit Waiter(std::size_t wanted_max)
        : wanted(wanted_max), parking(runtime::Core::current()) {}
    std::size_t wanted;  // answers after which waiting ends
    std::vector<Message> answers;
    bool nobody = false;  // listens
    std::string subject;  // asked on
    std::string failed;   // why, when it has
    Errc failed_how = Errc::unavailable;
    runtime::Parking parking;
  };

  Send send;
  std::string prefix;  // of all inboxes, with its last dot
  std::unordered_map<std::uint64_t, Waiter*> waiters;
  std::uint64_t last_id = 0;
  bool closed = false;

  void answer(Message message);
  void fail_waiting(const std::string& why) {
    for (const auto& [id, waiter] : waiters) {
      waiter->failed = why;
      waiter->parking.wake();
    }
  }

  // Sends the message with an inbox as its reply and waits until the deadline or for enough
  // answers. What came is in `waiter`; an error is about asking, not about too few answers.
  static runtime::Task<runtime::Wake> ask(std::shared_ptr<Table> table, Message message,
                                          runtime::Deadline deadline, Waiter& waiter);
};

void BusRequests::Table::answer(Message message) {
  const auto number = std::string_view(message.subject).substr(prefix.size());
  std::uint64_t id = 0;
  const auto [end, error] = std::from_chars(number.begin(), number.end(), id);
  if (error != std::errc() || end != number.end()) return;
  const auto found = waiters.find(id);
  if (found == waiters.end()) return;  // too late
  auto& waiter = *found->second;
  if (waiter.answers.size() == waiter.wanted) return;
  if (says_no_responders(message)) {
    waiter.nobody = true;
    waiter.parking.wake();
    return;
  }
  waiter.answers.push_back(std::move(message));
  if (waiter.answers.size() == waiter.wanted) waiter.parking.wake();
}

runtime::Task<runtime::Wake> BusRequests::Table::ask(std::shared_ptr<Table> table, Message message,
                                                     runtime::Deadline deadline, Waiter& waiter) {
  const auto id = ++table->last_id;
  const auto subject = message.subject;
  message.reply = fmt::format("{}{}", table->prefix, id);
  struct Registered {
    Table& in;
    std::uint64_t id;
    ~Registered() { in.waiters.erase(id); }
  };
  waiter.subject = subject;
  table->waiters.emplace(id, &waiter);
  const Registered registered{*table, id};
  CO_TRY(const auto heard, table->send(std::move(message)));
  const auto wake = heard ? co_await waiter.parking.wait(deadline) : runtime::Wake::woken;
  if (table->closed) co_return fail(Errc::unavailable, kSite, "the bus has stopped");
  if (!waiter.failed.empty()) co_return fail(waiter.failed_how, kSite, waiter.failed);
  if (!heard || waiter.nobody)
    co_return fail(Errc::unavailable, kNoResponders.data(),
                   fmt::format("no responders on {}", subject));
  co_return wake;
}

BusRequests::BusRequests(Send send) : table_(std::make_shared<Table>()) {
  table_->send = std::move(send);
  table_->prefix = fmt::format("_INBOX.{}.", claims::new_jti());
}

BusRequests::~BusRequests() { close(); }

std::string BusRequests::inbox_pattern() const { return table_->prefix + "*"; }

bool BusRequests::is_inbox(std::string_view subject) const {
  return subject.starts_with(table_->prefix);
}

std::string BusRequests::in_inbox(std::string_view name) const {
  return fmt::format("{}{}", table_->prefix, name);
}

std::string_view BusRequests::name_in_inbox(std::string_view subject) const {
  return subject.substr(table_->prefix.size());
}

void BusRequests::answer(Message message) { table_->answer(std::move(message)); }

void BusRequests::refuse(std::string_view subject, const std::string& why) {
  for (const auto& [id, waiter] : table_->waiters) {
    if (waiter->subject != subject) continue;
    waiter->failed = why;
    waiter->failed_how = Errc::denied;
    waiter->parking.wake();
  }
}

void BusRequests::fail_waiting(const std::string& why) { table_->fail_waiting(why); }

void BusRequests::close() {
  table_->closed = true;
  table_->fail_waiting("the bus has stopped");
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
  const bool nobody =
      !asked && asked.error().code == Errc::unavailable && !table->closed && waiter.failed.empty();
  if (!asked && !nobody) co_return tl::unexpected<Error>(asked.error());
  if (asked && *asked == runtime::Wake::cancelled)
    co_return fail(Errc::cancelled, kSite, "no longer wanted");
  co_return std::move(waiter.answers);
}

}  // namespace trellis::lattice
