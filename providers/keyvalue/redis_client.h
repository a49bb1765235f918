// A Redis as one core sees it: a session that is opened when somebody needs it and opened again
// after it was lost, with a pause that grows while that fails. Belongs to one core; kept alive by
// its calls.
#pragma once

#include <memory>
#include <optional>

#include "keyvalue/redis_session.h"
#include "keyvalue/redis_url.h"
#include "runtime/admission.h"

namespace trellis::keyvalue {

class RedisClient {
 public:
  explicit RedisClient(RedisUrl url);
  ~RedisClient() { close(); }

  // Errors: those of RedisSession; unavailable with the last reason, at once, during a pause.
  // Nothing is sent twice: a command that was lost with its session may have been carried out.
  runtime::Task<RedisReply> call(Bytes command, runtime::Deadline deadline);

  // Whether it can be reached and lets us in.
  runtime::Task<void> check(runtime::Deadline deadline);

  void close();  // for good

 private:
  using Clock = std::chrono::steady_clock;
  runtime::Task<std::shared_ptr<RedisSession>> session(runtime::Deadline deadline);
  void note_failure(const Error& error);

  const RedisUrl url_;
  std::shared_ptr<RedisSession> session_;
  runtime::Admission turn_;  // one connects, the others wait for what comes of it
  Clock::time_point pause_until_{};
  std::chrono::milliseconds pause_{0};
  std::optional<Error> last_failure_;
  bool closed_ = false;
};

}  // namespace trellis::keyvalue
