#include <fmt/format.h>
#include <pthread.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <future>
#include <thread>

#include "base/check.h"
#include "base/log.h"
#include "runtime/core.h"
#include "runtime/processors.h"
#include "runtime/task_group.h"

namespace trellis::runtime {
namespace {

constexpr auto kStopGrace = std::chrono::seconds(5);

// The hardware threads this process may use, which is fewer than there are under taskset or a
// cpuset.
std::vector<int> usable_cpus() {
  cpu_set_t set;
  CPU_ZERO(&set);
  std::vector<int> out;
  if (sched_getaffinity(0, sizeof set, &set) != 0) return out;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu)
    if (CPU_ISSET(cpu, &set)) out.push_back(cpu);
  return out;
}

void pin_this_thread(int cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(cpu, &set);
  // Without it everything works, only slower; containers may forbid it.
  if (pthread_setaffinity_np(pthread_self(), sizeof set, &set) != 0)
    LOG(debug, "cannot pin a core to hardware thread {}", cpu);
}

Task<void> end_tasks(Core* core, std::promise<void>* ended) {
  core->tasks().cancel();
  TaskGroup& tasks = core->tasks();
  if (auto joined = co_await tasks.join(Deadline::in(kStopGrace)); !joined)
    LOG(warn, "core {} stops with tasks that did not end within {} s: {}", core->index(),
        kStopGrace.count(), tasks.names());
  ended->set_value();
  co_return Result<void>{};
}

}  // namespace

struct Cores::Thread {
  explicit Thread(Core& core) : stopping(core) {}
  TaskGroup stopping;  // apart from the core's tasks, whose end it waits for
  std::jthread thread;
};

Result<std::unique_ptr<Cores>> Cores::start(Options options) {
  const auto cpus = usable_cpus();
  const auto machine = static_cast<unsigned>(std::max(1L, ::sysconf(_SC_NPROCESSORS_ONLN)));
  const auto processors = processors_there_are(static_cast<unsigned>(cpus.size()), machine);
  const unsigned count = options.count == 0 ? processors.count : options.count;
  if (count > 1024)
    return fail(Errc::invalid, "runtime.cores",
                fmt::format("cannot start {} cores: the limit is 1024", count));
  std::signal(SIGPIPE, SIG_IGN);

  std::unique_ptr<Cores> cores(new Cores);
  for (unsigned i = 0; i < count; ++i) cores->cores_.push_back(std::make_unique<Core>(i));
  const bool pin =
      options.pin && count <= cpus.size() && (options.count != 0 || processors.whole_machine);
  for (unsigned i = 0; i < count; ++i) {
    auto thread = std::make_unique<Thread>(*cores->cores_[i]);
    try {
      thread->thread = std::jthread([core = cores->cores_[i].get(), cpu = pin ? cpus[i] : -1,
                                     name = fmt::format("{}-{}", options.name, i)] {
        pthread_setname_np(pthread_self(), name.c_str());
        if (cpu >= 0) pin_this_thread(cpu);
        core->run();
      });
    } catch (const std::system_error& e) {
      return fail(Errc::exhausted, "runtime.cores",
                  fmt::format("cannot start a thread for core {}: {}", i, e.what()));
    }
    cores->threads_.push_back(std::move(thread));
  }
  return cores;
}

Cores::~Cores() { stop(); }

void Cores::stop() {
  if (threads_.empty()) return;
  CHECK(Core::current_or_null() == nullptr);
  std::vector<std::promise<void>> ended(threads_.size());
  for (std::size_t i = 0; i < threads_.size(); ++i) {
    Core* core = cores_[i].get();
    core->post([core, group = &threads_[i]->stopping, to = &ended[i]] {
      group->spawn("stop", end_tasks(core, to));
    });
  }
  for (auto& promise : ended) promise.get_future().wait();
  for (std::size_t i = 0; i < threads_.size(); ++i) cores_[i]->stop();
  threads_.clear();  // joins
}

Task<void> Cores::on_each(std::function<Task<void>()> make) {
  Core& here = Core::current();
  TaskGroup group(here);
  Result<void> first;
  struct Step {
    static Task<void> run(Cores* cores, unsigned core, const std::function<Task<void>()>* work,
                          Result<void>* out) {
      auto result = co_await cores->run_on<void>(core, *work);
      if (!result && *out) *out = std::move(result);
      co_return Result<void>{};
    }
  };
  for (unsigned i = 0; i < size(); ++i) group.spawn("on_each", Step::run(this, i, &make, &first));
  co_await detail::join_always(group);
  co_return first;
}

}  // namespace trellis::runtime
