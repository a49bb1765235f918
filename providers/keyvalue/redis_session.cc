#include "keyvalue/redis_session.h"

#include <fmt/format.h>

#include <utility>

#include "base/limits.h"

namespace trellis::keyvalue {
namespace {

using namespace std::chrono_literals;

constexpr const char* kSite = "kvredis.session";
// A Redis that owes answers and says nothing for so long is taken for gone.
constexpr auto kSilenceMax = 5s;

}  // namespace

RedisSession::RedisSession(runtime::Core& core, std::unique_ptr<net::Stream> stream,
                           std::string peer)
    : core_(core), stream_(std::move(stream)), peer_(std::move(peer)) {}

runtime::Task<std::shared_ptr<RedisSession>> RedisSession::open(RedisUrl url,
                                                                runtime::Deadline deadline) {
  CO_TRY(auto stream,
         co_await net::Stream::connect(
             {.host = url.host, .port = url.port, .unix_path = url.unix_path, .tls = url.tls},
             deadline));
  auto& core = runtime::Core::current();
  std::shared_ptr<RedisSession> session(new RedisSession(core, std::move(stream), url.shown()));
  core.spawn("redis reader", read_always(session));
  core.spawn("redis writer", write_always(session));
  if (auto greeted = co_await greet(session, std::move(url), deadline); !greeted) {
    session->close("it did not let us in");
    co_return fail(std::move(greeted).error());
  }
  co_return session;
}

runtime::Task<void> RedisSession::greet(std::shared_ptr<RedisSession> self, RedisUrl url,
                                        runtime::Deadline deadline) {
  const std::string database = std::to_string(url.database);
  std::vector<std::vector<std::string_view>> commands;
  if (!url.password.empty() && !url.user.empty()) {
    commands.push_back({"AUTH", url.user, url.password});
  } else if (!url.password.empty()) {
    commands.push_back({"AUTH", url.password});
  }
  if (url.database != 0) commands.push_back({"SELECT", database});
  commands.push_back({"PING"});
  for (const auto& words : commands) {
    CO_TRY(const auto reply, co_await self->call(redis_words(words), deadline));
    const auto said = text_of(*reply);
    if (reply->type == REDIS_REPLY_ERROR) {
      co_return fail(Errc::unauthenticated, kSite,
                     fmt::format("Redis at {} refuses {}: {}", self->peer_, words.front(), said));
    }
    if (said != (words.front() == "PING" ? "PONG" : "OK")) {
      co_return fail(Errc::unavailable, kSite,
                     fmt::format("what listens on {} is no Redis: it answered {} with '{}'",
                                 self->peer_, words.front(), said));
    }
  }
  self->greeted_ = true;
  co_return Result<void>{};
}

runtime::Task<RedisReply> RedisSession::call(Bytes command, runtime::Deadline deadline) {
  if (closed_) co_return fail(Errc::unavailable, kSite, why_closed_);
  if (waiting_.size() >= limits::kKeyValueCallsMax ||
      unsent_.size() + sending_.size() + command.size() > limits::kKeyValueUnsentBytesMax) {
    co_return fail(Errc::exhausted, kSite,
                   fmt::format("too much already waits for Redis at {}; try again", peer_));
  }
  const auto mine = std::make_shared<Waiting>(core_);
  if (waiting_.empty()) progress_ = Clock::now();
  waiting_.push_back(mine);
  append(unsent_, command);
  if (writer_) writer_->wake();
  const auto how = co_await mine->done.wait(deadline);
  if (mine->result) co_return std::move(*mine->result);
  if (how == runtime::Wake::cancelled) co_return fail(Errc::cancelled, kSite, "no longer wanted");
  after_timeout();
  co_return fail(Errc::timeout, kSite, fmt::format("Redis at {} did not answer in time", peer_));
}

// Its answer may still come, and is then dropped. A half-open connection is found out here.
void RedisSession::after_timeout() {
  if (!closed_ && Clock::now() - progress_ >= kSilenceMax) {
    close(fmt::format("Redis at {} has not answered for {} s", peer_, kSilenceMax.count()));
  }
}

void RedisSession::close(std::string_view why) {
  if (std::exchange(closed_, true)) return;
  why_closed_ = why;
  stream_->close();
  if (writer_) writer_->wake();
  const auto detail =
      greeted_ ? fmt::format("{}; whether the command was carried out is not known", why_closed_)
               : why_closed_;
  for (const auto& call : std::exchange(waiting_, {})) {
    call->result.emplace(fail(Errc::unavailable, kSite, detail));
    call->done.wake();
  }
}

runtime::Task<void> RedisSession::write_always(std::shared_ptr<RedisSession> self) {
  while (!self->closed_) {
    if (self->unsent_.empty()) {
      self->writer_.emplace(self->core_);
      const auto how = co_await self->writer_->wait();
      self->writer_.reset();
      if (how == runtime::Wake::cancelled) break;
      continue;
    }
    std::swap(self->unsent_, self->sending_);
    const auto written = co_await self->stream_->write_all(self->sending_);
    if (!written) {
      self->close(written.error().detail);
      break;
    }
    self->sending_.clear();
    if (self->sending_.capacity() > limits::kKeyValueBufferBytes) self->sending_ = {};
  }
  self->close("this host is stopping");
  co_return Result<void>{};
}

runtime::Task<void> RedisSession::read_always(std::shared_ptr<RedisSession> self) {
  while (!self->closed_) {
    const auto count = co_await self->stream_->read_some(self->read_);
    if (!count) {
      self->close(count.error().detail);
      break;
    }
    self->reader_.feed(BytesView(self->read_).first(*count));
    if (auto taken = self->take_replies(); !taken) {
      self->close(taken.error().detail);
      break;
    }
  }
  co_return Result<void>{};
}

Result<void> RedisSession::take_replies() {
  for (;;) {
    auto reply = reader_.next();
    if (!reply && reply.error().code == Errc::corrupt) {
      return fail(Errc::corrupt, kSite,
                  fmt::format("what listens on {} does not speak the protocol of Redis: {}", peer_,
                              reply.error().detail));
    }
    if (!reply)
      return fail(Errc::exhausted, kSite,
                  fmt::format("Redis at {} gave {}", peer_, reply.error().detail));
    if (!*reply) return {};
    progress_ = Clock::now();
    if (waiting_.empty()) {  // some say why they hang up before they are asked
      return fail(
          Errc::unavailable, kSite,
          fmt::format("Redis at {} said without being asked: '{}'", peer_, text_of(**reply)));
    }
    const auto call = std::move(waiting_.front());
    waiting_.pop_front();
    call->result = std::move(reply);
    call->done.wake();
  }
}

}  // namespace trellis::keyvalue
