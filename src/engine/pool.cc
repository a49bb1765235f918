#include "engine/pool.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/check.h"
#include "base/limits.h"
#include "base/log.h"

namespace trellis::engine {
namespace {

constexpr unsigned kInterruptedMax = 3;  // starts in a row: then they take long, it was no accident

}  // namespace

// Counts a call while it lives and, in reuse mode, holds its right to an instance.
class Pool::Turn {
 public:
  explicit Turn(Pool& pool) : pool_(pool) { ++pool_.running_; }
  ~Turn() {
    --pool_.running_;
    if (held_) pool_.end_turn();
  }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;
  void hold() { held_ = true; }

 private:
  Pool& pool_;
  bool held_ = false;
};

Pool::Pool(GuestsOfCores& cores, std::shared_ptr<const LoadedModule> module, HostCalls& host,
           PoolOptions options)
    : cores_(cores),
      module_(std::move(module)),
      host_(host),
      options_(std::move(options)),
      reuse_max_(std::max(options_.reuse_max, 1u)) {
  if (runtime::Core::current_or_null()) guests_ = cores_.here();
}

Pool::~Pool() {
  CHECK(running_ == 0);
  options_.cells->ready -= ready_counted_;
  if (guests_) guests_->removed(*this);
}

runtime::Task<Bytes> Pool::call(std::string_view operation, BytesView payload,
                                runtime::Deadline deadline, std::uint32_t depth) {
  if (!guests_) [[unlikely]]
    guests_ = cores_.here();
  const auto begun = Clock::now();
  Turn turn(*this);
  if (options_.mode == InstanceMode::reuse) {
    if (turns_ < reuse_max_)
      ++turns_;
    else
      CO_TRY_OK(co_await wait_for_turn(deadline));
    turn.hold();
  }
  auto instance = ready_instance();
  const bool was_ready = instance != nullptr && options_.mode == InstanceMode::fresh;
  if (!instance) {
    instance = new_instance(deadline);
    if (!instance->step() || !instance->outcome().ok()) {
      if (auto created = co_await create(instance, deadline); !created) {
        if (created.error().code == Errc::timeout)
          co_return fail(timeout(operation, deadline.at - begun));
        co_return fail(std::move(created).error());
      }
    }
  }
  instance->begin_call(operation, payload, deadline, depth);
  // What went before was not waiting, if the instance was ready: it counts as the guest's.
  for (bool ended = was_ready ? instance->step(begun) : instance->step(); !ended;
       ended = instance->step()) {
    if (auto served = co_await serve_wait(instance->guest()); !served) {
      if (served.error().code == Errc::timeout)
        co_return fail(timeout(operation, deadline.at - begun));
      co_return fail(std::move(served).error());
    }
  }
  if (instance->guest().timed_out) co_return fail(timeout(operation, deadline.at - begun));
  co_return answer(std::move(instance), operation);
}

std::unique_ptr<Instance> Pool::ready_instance() {
  if (ready_.empty()) return restored();
  auto instance = std::move(ready_.back());
  ready_.pop_back();
  if (options_.mode == InstanceMode::fresh)
    kept_changed();
  else
    count_ready();
  return instance;
}

std::unique_ptr<Instance> Pool::restored() {
  while (!used_.empty()) {
    auto instance = std::move(used_.back());
    used_.pop_back();
    kept_changed();
    if (instance->restore(*guests_->pages())) return instance;
  }
  return nullptr;
}

void Pool::kept_changed() {
  const std::size_t kept = ready_.size() + used_.size();
  unneeded_ = std::min(unneeded_, kept);
  count_ready();
  guests_->keeps(*this, kept);
}

void Pool::count_ready() {
  const std::size_t ready = ready_.size() + used_.size();
  options_.cells->ready += ready - ready_counted_;
  ready_counted_ = ready;
}

std::unique_ptr<Instance> Pool::new_instance(runtime::Deadline deadline) {
  ++instances_made_;
  ++options_.cells->made;
  return std::make_unique<Instance>(*module_, host_, options_.memory_bytes_max, guests_->share(),
                                    deadline, Startup::later, options_.cells);
}

// What is left of a creation whose first step did not bring it to a good end.
runtime::Task<void> Pool::create(std::unique_ptr<Instance>& instance, runtime::Deadline deadline) {
  if (instance->outcome().ok()) {
    do CO_TRY_OK(co_await serve_wait(instance->guest()));
    while (!instance->step());
  } else {
    while (instance->found_no_room() && guests_->drop_warm()) {
      instance.reset();  // first, so that the new one finds its slot and its memory free
      instance = new_instance(deadline);
      while (!instance->step()) CO_TRY_OK(co_await serve_wait(instance->guest()));
    }
  }
  if (instance->guest().timed_out) co_return fail(Errc::timeout, "engine.call");
  if (!instance->outcome().ok()) co_return fail(failure(*instance, "its start"));
  co_return Result<void>();
}

Result<Bytes> Pool::answer(std::unique_ptr<Instance> instance, std::string_view operation) {
  Guest& guest = instance->guest();
  if (!instance->outcome().ok()) return fail(failure(*instance, operation));
  if (instance->call_result() == 1) {
    Bytes response = std::move(guest.response);
    give_back(std::move(instance));
    return response;
  }
  std::string text = std::move(guest.error);
  give_back(std::move(instance));
  if (text.empty())
    text = fmt::format("{} answered {} with an error but no text", options_.actor_name, operation);
  return fail(Errc::invalid, "guest.error", std::move(text));
}

void Pool::give_back(std::unique_ptr<Instance> instance) {
  if (options_.mode == InstanceMode::reuse) {
    if (turns_ + ready_.size() <= reuse_max_) ready_.push_back(std::move(instance));
    count_ready();
    return;
  }
  if (guests_->pages() && instance->is_restorable() && guests_->may_keep_more()) {
    used_.push_back(std::move(instance));
    kept_changed();
  }
  if (instance ? can_warm_ : ready_.empty()) guests_->recycle(*this, std::move(instance));
}

Error Pool::failure(Instance& instance, std::string_view during) {
  if (instance.pool_was_full())
    return refusal(
        "engine.instances",
        fmt::format("no room for another instance of {}: the host runs as many guests as it may "
                    "(vm.max_map_count and the host's instance limit bound it)",
                    options_.actor_name));
  auto text = fmt::format("{} failed in {}: {}", options_.actor_name, during,
                          trap_text(instance.outcome(), instance.guest()));
  if (!instance.memory_was_refused()) return {Errc::trapped, "engine.trap", std::move(text)};
  return refusal("engine.memory",
                 fmt::format("{}; it was refused memory: all guests of this host together may have "
                             "{} MiB (TRELLIS_GUEST_MEMORY_MIB)",
                             text, instance.guest_memory_bytes_max() >> 20));
}

Error Pool::refusal(const char* site, std::string text) {
  Error error{Errc::exhausted, site, std::move(text)};
  if (guests_->may_log_refusal()) LOG(warn, "{}", error.describe());
  return error;
}

Error Pool::timeout(std::string_view operation, Clock::duration limit) const {
  return {Errc::timeout, "engine.timeout",
          fmt::format("{} did not answer {} within {} ms", options_.actor_name, operation,
                      std::max<std::int64_t>(
                          std::chrono::round<std::chrono::milliseconds>(limit).count(), 0))};
}

// Made in one go, between two pieces of work of the core. A start that would have to wait is given
// up, and so is the attempt from then on; one that a tick interrupts may have been unlucky.
void Pool::warm_up() {
  if (!ready_.empty()) return;
  auto instance = restored();
  if (!instance) {
    instance = new_instance(runtime::Deadline::in(limits::kGuestCallTimeout));
    if (!instance->step()) {
      if (instance->guest().waits != Guest::Waits::no || ++interrupted_ == kInterruptedMax)
        can_warm_ = false;
      return;
    }
    if (!instance->outcome().ok()) return;
    interrupted_ = 0;
  }
  ready_.push_back(std::move(instance));
  kept_changed();
}

void Pool::cool_down() {
  ready_.clear();
  used_.clear();
  kept_changed();
}

void Pool::trim() {
  const auto drop = [this](std::vector<std::unique_ptr<Instance>>& from) {
    const std::size_t count = std::min(unneeded_, from.size());
    from.erase(from.begin(), from.begin() + static_cast<std::ptrdiff_t>(count));
    unneeded_ -= count;
  };
  drop(used_);
  drop(ready_);
  unneeded_ = ready_.size() + used_.size();
  kept_changed();
}

runtime::Task<void> Pool::wait_for_turn(runtime::Deadline deadline) {
  if (waiting_.size() >= limits::kActorCallsQueuedMax) {
    co_return fail(
        Errc::exhausted, "engine.queue",
        fmt::format("{} calls wait for {} already", waiting_.size(), options_.actor_name));
  }
  Waiter waiter(guests_->core());
  waiting_.push_back(waiter);
  const auto how = co_await waiter.parking.wait(deadline);
  if (how == runtime::Wake::woken) co_return Result<void>();
  if (waiter.is_linked()) waiting_.erase(waiting_.iterator_to(waiter));
  if (how == runtime::Wake::expired) {
    co_return fail(Errc::timeout, "engine.queue",
                   fmt::format("all {} instances of {} were busy until the deadline", reuse_max_,
                               options_.actor_name));
  }
  co_return fail(Errc::cancelled, "engine.queue", "the call is no longer wanted");
}

// The turn goes to the first who still waits.
void Pool::end_turn() {
  while (!waiting_.empty() && turns_ <= reuse_max_) {
    Waiter& first = waiting_.front();
    waiting_.pop_front();
    if (first.parking.wake()) return;
  }
  --turns_;
}

void Pool::set_reuse_max(std::uint32_t count) {
  reuse_max_ = std::max(count, 1u);
  while (!ready_.empty() && turns_ + ready_.size() > reuse_max_) ready_.pop_back();
  if (options_.mode == InstanceMode::reuse) count_ready();
  while (turns_ < reuse_max_ && !waiting_.empty()) {
    Waiter& first = waiting_.front();
    waiting_.pop_front();
    if (first.parking.wake()) ++turns_;
  }
}

}  // namespace trellis::engine
