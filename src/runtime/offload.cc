#include "runtime/offload.h"

#include <pthread.h>

#include <algorithm>

namespace trellis::runtime {

Offload::Offload(unsigned threads, std::size_t queued_max) : queued_max_(queued_max) {
  for (unsigned i = 0; i < std::max(1u, threads); ++i)
    threads_.emplace_back([this] {
      pthread_setname_np(pthread_self(), "offload");
      serve();
    });
}

Offload::~Offload() {
  std::deque<std::shared_ptr<Job>> dropped;
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
    dropped.swap(queue_);
    for (auto& job : dropped) job->state = Job::State::ended;
  }
  changed_.notify_all();
  for (auto& job : dropped) report(std::move(job));
  threads_.clear();  // joins
}

bool Offload::submit(const std::shared_ptr<Job>& job) {
  {
    std::lock_guard lock(mutex_);
    if (stopping_ || queue_.size() >= queued_max_) return false;
    queue_.push_back(job);
  }
  changed_.notify_one();
  return true;
}

bool Offload::withdraw(Job& job) {
  std::lock_guard lock(mutex_);
  if (job.state != Job::State::queued) return false;
  std::erase_if(queue_, [&job](const auto& queued) { return queued.get() == &job; });
  job.state = Job::State::ended;
  return true;
}

void Offload::report(std::shared_ptr<Job> job) {
  Core& home = job->home;
  home.post([job = std::move(job)] { job->finished.wake(); });
}

void Offload::serve() {
  for (;;) {
    std::shared_ptr<Job> job;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
      if (stopping_) return;
      job = std::move(queue_.front());
      queue_.pop_front();
      job->state = Job::State::running;
    }
    job->work();
    {
      std::lock_guard lock(mutex_);
      job->state = Job::State::ended;
    }
    report(std::move(job));
  }
}

}  // namespace trellis::runtime
