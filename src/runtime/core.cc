#include "runtime/core.h"

#include <algorithm>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>

#include "base/check.h"
#include "base/limits.h"
#include "base/log.h"
#include "runtime/deadline_queue.h"
#include "runtime/parking.h"
#include "runtime/task_group.h"
#include "runtime/yield_queue.h"

namespace trellis::runtime {
namespace {

thread_local Core* current_core = nullptr;

// Ready handlers that may run between two yielded coroutines.
constexpr int kReadyHandlersPerRound = 256;

// Runs a step of the loop. Our code throws nothing; what a library throws here has no caller left
// to tell, and must not take the other requests of the core down.
template <class Step>
void contain(unsigned core, Step step) {
  try {
    step();
  } catch (const std::exception& e) {
    LOG(error, "core {}: unexpected exception in the event loop: {}", core, e.what());
  }
}

}  // namespace

// Notes the time each second, as an entry of the core's deadlines: no loop that is held turns to
// it.
class Core::Beat final : private DeadlineQueue::Entry {
 public:
  explicit Beat(Core& core) : core_(core) {}
  ~Beat() { core_.deadlines_->leave(*this); }
  void start() { due(); }

 private:
  void due() override {
    const auto now = std::chrono::steady_clock::now();
    core_.beat_at_.store(now, std::memory_order_relaxed);
    core_.deadlines_->enter(*this, now + limits::kCoreBeatEvery);
  }
  Core& core_;
};

Core::Core(unsigned index)
    : index_(index),
      io_(std::make_unique<asio::io_context>(1)),
      deadlines_(std::make_unique<DeadlineQueue>(*io_)),
      yielded_(std::make_unique<YieldQueue>()),
      tasks_(std::make_unique<TaskGroup>(*this)),
      beat_at_(std::chrono::steady_clock::now()),
      beat_(std::make_unique<Beat>(*this)) {}

Core::~Core() {
  // The frames that the loop still holds go first; they leave the queues below as they go.
  beat_.reset();
  deadlines_->close();
  io_.reset();
  tasks_->abandon();
}

Core* Core::current_or_null() { return current_core; }

Core& Core::current() {
  CHECK(current_core != nullptr);
  return *current_core;
}

std::chrono::steady_clock::duration Core::silent_for() const {
  return std::max(std::chrono::steady_clock::now() - beat_at_.load(std::memory_order_relaxed),
                  std::chrono::steady_clock::duration::zero());
}

void Core::post(std::function<void()> work) { asio::post(*io_, std::move(work)); }

Task<void> Core::sleep_until(Deadline deadline) {
  const auto told = (co_await asio::this_coro::cancellation_state).cancelled();
  Parking parking(*this);
  if (told != asio::cancellation_type::none || co_await parking.wait(deadline) == Wake::cancelled)
    co_return fail(Errc::cancelled, "runtime.sleep", "no longer wanted");
  co_return Result<void>{};
}

asio::awaitable<void, Executor> Core::yield_low_priority() {
  Yielded yielded;
  co_await asio::async_initiate<const asio::deferred_t, void()>(
      [this, &yielded](auto handler) {
        yielded.keep(std::move(handler));
        if (yielded_->empty()) io_->stop();  // out of io.run(), into run_round()
        yielded_->push(yielded);
      },
      asio::deferred);
}

void Core::spawn(const char* what, Task<void> task) { tasks_->spawn(what, std::move(task)); }

void Core::stop() {
  post([this] {
    stopping_ = true;
    io_->stop();
  });
}

void Core::run() {
  CHECK(current_core == nullptr);
  current_core = this;
  auto work = asio::make_work_guard(*io_);
  beat_->start();
  while (!stopping_) {
    contain(index_, [this] {
      if (yielded_->empty())
        io_->run();
      else
        run_round();
    });
    io_->restart();
  }
  current_core = nullptr;
}

// Everything that is ready, then one of those that gave way. It is resumed through the loop as any
// other handler, so that asio's own bookkeeping (frame recycling, inline dispatch) holds for it.
void Core::run_round() {
  for (int i = 0; i < kReadyHandlersPerRound && !stopping_; ++i) {
    if (io_->stopped()) io_->restart();
    if (io_->poll_one() == 0 && !io_->stopped()) break;
  }
  if (stopping_ || yielded_->empty()) return;
  yielded_->pop().resume(*io_);
  if (io_->stopped()) io_->restart();
  io_->poll_one();
}

}  // namespace trellis::runtime
