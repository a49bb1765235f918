// One open connection to a Redis, shared by all calls of a core: commands go out as they come,
// those of one turn of the loop together, and the answers come in that order. hiredis writes and
// reads the protocol; the bytes travel over net::Stream. Belongs to one core; kept alive by whoever
// uses it.
#pragma once

#include <array>
#include <chrono>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "keyvalue/redis_reader.h"
#include "keyvalue/redis_url.h"
#include "net/stream.h"
#include "runtime/core.h"
#include "runtime/parking.h"

namespace trellis::keyvalue {

class RedisSession : public std::enable_shared_from_this<RedisSession> {
 public:
  // Connects, proves who we are and chooses the database.
  static runtime::Task<std::shared_ptr<RedisSession>> open(RedisUrl url,
                                                           runtime::Deadline deadline);

  // An error that Redis answers with is a reply. Errors: unavailable (the connection was lost;
  // whether the command was carried out is not known), timeout, exhausted (too much waits already),
  // cancelled.
  runtime::Task<RedisReply> call(Bytes command, runtime::Deadline deadline);

  bool open() const { return !closed_; }
  void close(std::string_view why);  // what waits fails with it; idempotent

 private:
  struct Waiting {
    explicit Waiting(runtime::Core& core) : done(core) {}
    runtime::Parking done;
    std::optional<Result<RedisReply>> result;
  };
  using Clock = std::chrono::steady_clock;

  RedisSession(runtime::Core& core, std::unique_ptr<net::Stream> stream, std::string peer);
  static runtime::Task<void> read_always(std::shared_ptr<RedisSession> self);
  static runtime::Task<void> write_always(std::shared_ptr<RedisSession> self);
  static runtime::Task<void> greet(std::shared_ptr<RedisSession> self, RedisUrl url,
                                   runtime::Deadline deadline);
  Result<void> take_replies();
  void after_timeout();

  runtime::Core& core_;
  const std::unique_ptr<net::Stream> stream_;
  const std::string peer_;
  RedisReader reader_;
  std::array<std::uint8_t, 16384> read_;
  std::deque<std::shared_ptr<Waiting>> waiting_;  // in the order of their commands
  Bytes unsent_, sending_;
  std::optional<runtime::Parking> writer_;     // while it has nothing to do
  Clock::time_point progress_ = Clock::now();  // since when an answer is owed
  bool greeted_ = false, closed_ = false;
  std::string why_closed_;
};

}  // namespace trellis::keyvalue
