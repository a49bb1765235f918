#include "keyvalue/store_queue.h"

#include <optional>
#include <utility>
#include <vector>

#include "base/limits.h"
#include "runtime/parking.h"

namespace trellis::keyvalue {
namespace {

constexpr const char* kSite = "keyvalue.queue";

EmbeddedStore::Time now() {
  return std::chrono::time_point_cast<std::chrono::milliseconds>(std::chrono::system_clock::now());
}

}  // namespace

// One call, from call() to its answer; the caller may leave before that, so the payload is its own.
struct StoreQueue::Waiting {
  explicit Waiting(BytesView bytes)
      : payload(bytes.begin(), bytes.end()), done(runtime::Core::current()) {}
  const Bytes payload;
  capability::KeyValueCall call;  // points into payload
  runtime::Parking done;
  std::optional<Result<Bytes>> answer;
};

// Shared with the batch that runs, which may outlive the queue: what was taken in is carried out.
struct StoreQueue::Shared {
  std::shared_ptr<StoreThread> thread;
  std::vector<std::shared_ptr<Waiting>> waiting;
  std::size_t waiting_bytes = 0;
  bool running = false;
};

StoreQueue::StoreQueue(std::shared_ptr<StoreThread> thread) : shared_(std::make_shared<Shared>()) {
  shared_->thread = std::move(thread);
}

runtime::Task<Bytes> StoreQueue::call(std::string_view operation, BytesView payload,
                                      runtime::Deadline deadline) {
  const auto shared = shared_;
  if (shared->waiting.size() >= limits::kKeyValueCallsMax ||
      shared->waiting_bytes + payload.size() > limits::kKeyValueUnsentBytesMax) {
    co_return fail(Errc::exhausted, kSite, "too much waits for the disk already; try again");
  }
  const auto mine = std::make_shared<Waiting>(payload);
  CO_TRY(mine->call, capability::decode_key_value_call(operation, mine->payload));
  shared->waiting.push_back(mine);
  shared->waiting_bytes += payload.size();
  if (!shared->running) {
    shared->running = true;
    runtime::Core::current().spawn("key-value store", run(shared));
  }
  const auto how = co_await mine->done.wait(deadline);
  if (mine->answer) co_return std::move(*mine->answer);
  if (how == runtime::Wake::expired)
    co_return fail(Errc::timeout, kSite, "the store did not answer in time");
  co_return fail(Errc::cancelled, kSite, "no longer wanted");
}

runtime::Task<void> StoreQueue::run(std::shared_ptr<Shared> shared) {
  while (!shared->waiting.empty()) {
    const auto batch = std::exchange(shared->waiting, {});
    shared->waiting_bytes = 0;
    std::vector<const capability::KeyValueCall*> calls;
    calls.reserve(batch.size());
    for (const auto& one : batch) calls.push_back(&one->call);
    using Answers = std::vector<Result<Bytes>>;
    auto work = [&]() -> Result<Answers> { return shared->thread->store->run(calls, now()); };
    auto answers = co_await shared->thread->disk.run<Answers>(work);
    for (std::size_t i = 0; i < batch.size(); ++i) {
      if (answers) {
        batch[i]->answer = std::move((*answers)[i]);
      } else {
        batch[i]->answer.emplace(fail(answers.error()));
      }
      batch[i]->done.wake();
    }
  }
  shared->running = false;
  co_return Result<void>{};
}

}  // namespace trellis::keyvalue
