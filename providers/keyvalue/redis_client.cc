#include "keyvalue/redis_client.h"

#include <fmt/format.h>
#include <sodium.h>

#include <algorithm>

#include "base/limits.h"
#include "base/log.h"

namespace trellis::keyvalue {
namespace {

using namespace std::chrono_literals;

constexpr const char* kSite = "kvredis.client";
constexpr auto kConnectTimeout = 2s;
constexpr auto kPauseFirst = 20ms;
constexpr auto kPauseMax = 1s;

// Between half and all of it, so that hosts that lost the same Redis do not come back as one.
std::chrono::milliseconds jittered(std::chrono::milliseconds pause) {
  const auto half = static_cast<std::uint32_t>(pause.count() / 2);
  return std::chrono::milliseconds(half + randombytes_uniform(half + 1));
}

}  // namespace

RedisClient::RedisClient(RedisUrl url)
    : url_(std::move(url)), turn_(1, limits::kKeyValueCallsMax) {}

runtime::Task<RedisReply> RedisClient::call(Bytes command, runtime::Deadline deadline) {
  if (session_ && session_->open()) {
    const auto open = session_;
    co_return co_await open->call(std::move(command), deadline);
  }
  CO_TRY(const auto opened, co_await session(deadline));
  co_return co_await opened->call(std::move(command), deadline);
}

runtime::Task<void> RedisClient::check(runtime::Deadline deadline) {
  pause_until_ = {};
  const std::string_view ping[] = {"PING"};
  CO_TRY(const auto reply, co_await call(redis_words(ping), deadline));
  if (reply->type == REDIS_REPLY_ERROR) {
    co_return fail(Errc::unavailable, kSite,
                   fmt::format("Redis at {}: {}", url_.shown(), text_of(*reply)));
  }
  co_return Result<void>{};
}

runtime::Task<std::shared_ptr<RedisSession>> RedisClient::session(runtime::Deadline deadline) {
  CO_TRY(const auto turn, co_await turn_.enter(deadline));
  if (session_ && session_->open()) co_return session_;
  if (closed_) co_return fail(Errc::unavailable, kSite, "the link to Redis is gone");
  if (last_failure_ && Clock::now() < pause_until_) co_return fail(*last_failure_);
  auto opened = co_await RedisSession::open(
      url_, deadline.earlier_of(runtime::Deadline::in(kConnectTimeout)));
  if (!opened) {
    if (opened.error().code != Errc::cancelled) note_failure(opened.error());
    co_return opened;
  }
  if (closed_) {
    (*opened)->close("the link to Redis is gone");
    co_return fail(Errc::unavailable, kSite, "the link to Redis is gone");
  }
  if (last_failure_) LOG(info, "kvredis: Redis at {} is there again", url_.shown());
  last_failure_.reset();
  pause_ = 0ms;
  session_ = *opened;
  co_return session_;
}

void RedisClient::note_failure(const Error& error) {
  if (!last_failure_) LOG(warn, "kvredis: {}; trying again when it is needed", error.describe());
  last_failure_ = error;
  pause_ = std::clamp<std::chrono::milliseconds>(pause_ * 2, kPauseFirst, kPauseMax);
  pause_until_ = Clock::now() + jittered(pause_);
}

void RedisClient::close() {
  closed_ = true;
  if (session_) session_->close("the link to Redis is gone");
  session_.reset();
}

}  // namespace trellis::keyvalue
