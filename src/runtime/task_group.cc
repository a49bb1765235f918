#include "runtime/task_group.h"

#include <algorithm>

#include "base/check.h"
#include "base/log.h"
#include "runtime/core.h"
#include "runtime/launch.h"
#include "runtime/parking.h"

namespace trellis::runtime {
namespace {

constexpr auto kTellAgainAfter = std::chrono::milliseconds(10);
constexpr std::size_t kNamesMax = 20;

}  // namespace

TaskGroup::Member::~Member() {
  if (is_linked()) group->members_.erase(group->members_.iterator_to(*this));
}

TaskGroup::TaskGroup(Core& core) : core_(core) {}

TaskGroup::~TaskGroup() {
  core_.deadlines().leave(*this);
  CHECK(members_.empty());
}

void TaskGroup::spawn(const char* what, Task<void> task) {
  auto member = std::make_unique<Member>();
  member->what = what;
  member->group = this;
  members_.push_back(*member);
  auto slot = member->signal.slot();
  detail::launch(core_.executor(), slot, run(std::move(member), std::move(task)));
  if (cancelled_ && !members_.empty()) emit();
}

detail::Flow TaskGroup::run(std::unique_ptr<Member> member, Task<void> task) {
  co_await asio::this_coro::throw_if_cancelled(false);
  const auto result = co_await detail::contained(std::move(task), "runtime.task");
  if (!result && result.error().code != Errc::cancelled)
    LOG(error, "{}: {}", member->what, result.error().describe());
  members_.erase(members_.iterator_to(*member));
  left();
}

void TaskGroup::cancel() {
  cancelled_ = true;
  emit();
}

void TaskGroup::abandon() { members_.clear(); }

void TaskGroup::due() { emit(); }

// Once is not enough: a task that was between two waits, or goes on after an error, waits again.
void TaskGroup::emit() {
  for (auto it = members_.begin(); it != members_.end();) {
    auto& member = *it++;
    member.signal.emit(asio::cancellation_type::terminal);
  }
  core_.deadlines().leave(*this);
  if (!members_.empty()) core_.deadlines().enter(*this, Deadline::in(kTellAgainAfter).at);
}

void TaskGroup::left() {
  if (!members_.empty()) return;
  core_.deadlines().leave(*this);
  for (Parking* joiner : joiners_) joiner->wake();
  joiners_.clear();
}

Task<void> TaskGroup::join(Deadline deadline) {
  if (members_.empty()) co_return Result<void>{};
  Parking parking(core_);
  joiners_.push_back(&parking);
  const Wake how = co_await parking.wait(deadline);
  std::erase(joiners_, &parking);
  if (how == Wake::cancelled) co_return fail(Errc::cancelled, "runtime.join", "no longer wanted");
  if (how == Wake::expired)
    co_return fail(Errc::timeout, "runtime.join", "still running: " + names());
  co_return Result<void>{};
}

asio::awaitable<void, Executor> detail::join_always(TaskGroup& group) {
  while (group.size() > 0) {
    auto joined = co_await group.join(Deadline::in(std::chrono::hours(1)));
    if (!joined && joined.error().code == Errc::cancelled) group.cancel();
  }
}

std::string TaskGroup::names() const {
  std::string out;
  std::size_t named = 0;
  for (const auto& member : members_) {
    if (named++ == kNamesMax) return out + ", …";
    if (!out.empty()) out += ", ";
    out += member.what;
  }
  return out;
}

}  // namespace trellis::runtime
