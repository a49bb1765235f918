// One connection, plain or TLS: read a request, let the handler answer, write, again. Lives on the
// core that accepted it, in its listener's list. Included by plain_connection.cc and tls.cc only.
//
// run() is the straight path: a request that came whole is parsed in place, handled, and answered
// with one sendmsg, without another coroutine on the way. What waits is in functions of its own.
#pragma once

#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <vector>

#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>

#include "base/log.h"
#include "net/connection_base.h"
#include "net/request_parser.h"
#include "net/response_head.h"

namespace trellis::net {

inline constexpr std::size_t kReadBytesMin = 4096;   // free room for one read
inline constexpr std::size_t kBytesKeptMax = 65536;  // of each buffer, by an idle connection
inline constexpr unsigned kAnswersPerTurn = 32;      // pipelined, before others get a turn
inline constexpr std::size_t kBodyBytesPerSecondMin = 16384;
inline constexpr std::size_t kLingerBytesMax =
    8u << 20;  // discarded after a refusal, so that it arrives
inline constexpr auto kLingerTimeout = std::chrono::seconds(2);
inline constexpr std::size_t kTlsJoinBytesMax =
    16384;  // head and body in one TLS record up to here

template <class Stream>
class Connection final : public ConnectionBase {
 public:
  template <class... Args>
  Connection(ConnectionHome& home, std::string remote, Args&&... args)
      : home_(home),
        stream_(std::forward<Args>(args)...),
        remote_(std::move(remote)),
        parser_(home.options.header_bytes_max, home.options.body_bytes_max) {
    request_.remote = remote_;
    request_.tls = Stream::kTls;
  }

  runtime::Task<void> run() override {
    if constexpr (Stream::kTls) {
      wait_until(home_.options.header_timeout);
      if (!co_await stream_.handshake()) co_return Result<void>{};
    }
    wait_until(home_.options.header_timeout);
    for (unsigned answered = 0;; ++answered) {
      if (answered % kAnswersPerTurn == kAnswersPerTurn - 1) co_await asio::post(runtime::kAwait);
      const auto step = next_head();
      if (step == Step::need_more && !co_await read_head()) break;
      if (refusal_ == 0 && parser_.head().body != RequestHead::Body::none && !whole_body() &&
          !co_await read_body())
        break;
      if (refusal_ != 0) {
        co_await refuse();
        break;
      }
      no_wait();
      auto response = co_await answer();
      home_.cells.answered(response.status);
      // Answers of one turn of the loop go out together: a peer that reads several is woken once.
      co_await asio::post(runtime::kAwait);
      const bool keep = parser_.head().keep_alive && !home_.closing && !home_.leaving;
      if (!write_now(response, keep) && !co_await write_rest(response)) break;
      end_request();
      if (!keep) break;
      wait_until(home_.options.idle_timeout);
    }
    co_await close();
    co_return Result<void>{};
  }

 private:
  using Step = RequestParser::Step;

  // --- reading ---------------------------------------------------------------------------------

  std::string_view unread() const { return {buffer_.data() + begin_, end_ - begin_}; }

  Step next_head() {
    parser_.start();
    request_.headers.clear();
    request_.body = {};
    refusal_ = 0;
    return begin_ == end_ ? Step::need_more : parse_head();
  }

  Step parse_head() {
    const Step step = parser_.parse_head(unread(), request_);
    if (step == Step::refused) refusal_ = parser_.refusal();
    if (step == Step::done) body_begin_ = begin_ + parser_.head().bytes;
    return step;
  }

  // Room behind end_; what is unread stays. Views into the buffer end when it grows
  // or moves, so this is called before the head is parsed, or with room that was made then.
  void make_room() {
    if (begin_ == end_) begin_ = end_ = 0;
    if (buffer_.size() - end_ >= kReadBytesMin) return;
    if (begin_ > 0) {
      std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
      end_ -= begin_;
      begin_ = 0;
    }
    if (buffer_.size() - end_ < kReadBytesMin)
      buffer_.resize(std::max(2 * buffer_.size(), end_ + kReadBytesMin));
  }

  // True when a head, good or to be refused, is there; false when the connection is over.
  asio::awaitable<bool, runtime::Executor> read_head() {
    if (begin_ != end_) wait_until(home_.options.header_timeout);
    for (Step step = Step::need_more; step == Step::need_more;) {
      make_room();
      idle_ = begin_ == end_;
      if (idle_ && home_.closing) co_return false;
      const auto [ec, n] = co_await stream_.io().async_read_some(
          asio::buffer(buffer_.data() + end_, buffer_.size() - end_), runtime::kAwait);
      const bool was_idle = std::exchange(idle_, false);
      if (ec) co_return timed_out(ec, was_idle);
      if (was_idle) wait_until(home_.options.header_timeout);
      end_ += n;
      step = parse_head();
    }
    co_return true;
  }

  // The wait for a request's bytes failed: a peer that was too slow is told so.
  bool timed_out(const boost::system::error_code& ec, bool was_idle) {
    if (was_idle || ec != asio::error::operation_aborted || !expired_) return false;
    refusal_ = 408;
    return true;
  }

  // The body came with the head: no wait, no copy.
  bool whole_body() {
    const auto& head = parser_.head();
    if (head.body != RequestHead::Body::sized || end_ - body_begin_ < head.content_length)
      return false;
    request_.body = {reinterpret_cast<const std::uint8_t*>(buffer_.data()) + body_begin_,
                     static_cast<std::size_t>(head.content_length)};
    body_begin_ += head.content_length;
    return true;
  }

  asio::awaitable<bool, runtime::Executor> read_body() {
    wait_until(home_.options.body_timeout);
    body_.clear();
    const auto& head = parser_.head();
    if (head.expects_continue && body_begin_ == end_) {
      static constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
      if (!co_await write_all({asio::buffer(kContinue), {}})) co_return false;
      wait_until(home_.options.body_timeout);
    }
    const bool there = head.body == RequestHead::Body::sized ? co_await read_sized_body()
                                                             : co_await read_chunked_body();
    request_.body = body_;
    co_return there;
  }

  asio::awaitable<bool, runtime::Executor> read_sized_body() {
    const std::size_t length = parser_.head().content_length;
    const auto* first = reinterpret_cast<const std::uint8_t*>(buffer_.data()) + body_begin_;
    body_.assign(first, first + (end_ - body_begin_));
    body_begin_ = end_;
    // Memory follows what has come, not what was announced.
    for (std::size_t have = body_.size(); have < length;) {
      if (have == body_.size())
        body_.resize(std::min(length, std::max(2 * have, std::size_t{16384})));
      const auto [ec, n] = co_await stream_.io().async_read_some(
          asio::buffer(body_.data() + have, body_.size() - have), runtime::kAwait);
      if (ec) co_return timed_out(ec, false);
      have += n;
      extend_wait(n);
    }
    co_return true;
  }

  asio::awaitable<bool, runtime::Executor> read_chunked_body() {
    // The head's views must stay: what is undecoded moves to a buffer of its own.
    std::vector<char> chunks(unread().begin() + static_cast<std::ptrdiff_t>(parser_.head().bytes),
                             unread().end());
    end_ = body_begin_;
    std::size_t have = chunks.size();
    for (;;) {
      std::size_t used = 0;
      const Step step = parser_.parse_chunks({chunks.data(), have}, used, body_);
      if (used > 0) std::memmove(chunks.data(), chunks.data() + used, have - used);
      have -= used;
      if (step == Step::refused) {
        refusal_ = parser_.refusal();
        co_return true;
      }
      if (step == Step::done) break;
      if (chunks.size() - have < kReadBytesMin) chunks.resize(have + 4 * kReadBytesMin);
      const auto [ec, n] = co_await stream_.io().async_read_some(
          asio::buffer(chunks.data() + have, chunks.size() - have), runtime::kAwait);
      if (ec) co_return timed_out(ec, false);
      have += n;
      extend_wait(n);
    }
    after_chunks_.assign(chunks.data(), have);
    co_return true;
  }

  // Forgets the request and keeps what came behind it.
  void end_request() {
    begin_ = body_begin_;
    if (!after_chunks_.empty()) {  // a pipelined request that came with a chunked body's end
      begin_ = 0;
      end_ = after_chunks_.size();
      if (buffer_.size() < end_) buffer_.resize(end_);
      std::memcpy(buffer_.data(), after_chunks_.data(), end_);
      after_chunks_.clear();
    }
    if (body_.capacity() > kBytesKeptMax) Bytes().swap(body_);
    if (begin_ == end_ && buffer_.size() > kBytesKeptMax) {
      begin_ = end_ = 0;
      std::vector<char>().swap(buffer_);
    }
  }

  // --- answering -------------------------------------------------------------------------------

  asio::awaitable<HttpResponse, runtime::Executor> answer() {
    HttpResponse failed;
    failed.status = 500;
    try {
      auto response = co_await home_.handler.handle(request_);
      if (response && response->status >= 200 && response->status <= 999)
        co_return *std::move(response);
      if (response)
        LOG(error, "{} {}: the handler answered with status {}, which is none", request_.method,
            request_.path, response->status);
      else
        LOG(error, "{} {}: {}", request_.method, request_.path, response.error().describe());
    } catch (const std::exception& e) {
      LOG(error, "{} {}: unexpected exception: {}", request_.method, request_.path, e.what());
    }
    co_return failed;
  }

  // Writes head and body as far as the socket takes them without waiting; true when that was all.
  bool write_now(const HttpResponse& response, bool keep) {
    const auto after = !keep                   ? AfterAnswer::close
                       : parser_.head().http11 ? AfterAnswer::keep
                                               : AfterAnswer::keep_http10;
    write_head(head_, response, home_.server_and_date, after);
    const bool content = has_content(response.status) && request_.method != "HEAD";
    rest_of_body_ = content ? response.body : BytesView{};
    rest_of_head_ = head_;
    if constexpr (Stream::kTls) {
      if (rest_of_body_.size() <= kTlsJoinBytesMax) {
        head_.append(as_text(rest_of_body_));
        rest_of_head_ = head_;
        rest_of_body_ = {};
      }
      return false;
    } else {
      iovec parts[2] = {{const_cast<char*>(rest_of_head_.data()), rest_of_head_.size()},
                        {const_cast<std::uint8_t*>(rest_of_body_.data()), rest_of_body_.size()}};
      msghdr message{};
      message.msg_iov = parts;
      message.msg_iovlen = rest_of_body_.empty() ? 1 : 2;
      const ssize_t sent =
          ::sendmsg(stream_.socket().native_handle(), &message, MSG_NOSIGNAL | MSG_DONTWAIT);
      // What went wrong shows again, and is dealt with, when the rest is written.
      if (sent > 0) take(static_cast<std::size_t>(sent));
      return rest_of_head_.empty() && rest_of_body_.empty();
    }
  }

  void take(std::size_t n) {
    const std::size_t of_head = std::min(n, rest_of_head_.size());
    rest_of_head_.remove_prefix(of_head);
    rest_of_body_ = rest_of_body_.subspan(n - of_head);
  }

  using Parts = std::array<asio::const_buffer, 2>;

  // The response is kept by the caller until this ends.
  asio::awaitable<bool, runtime::Executor> write_rest(const HttpResponse&) {
    co_return co_await write_all({asio::buffer(rest_of_head_.data(), rest_of_head_.size()),
                                  asio::buffer(rest_of_body_.data(), rest_of_body_.size())});
  }

  // False when the peer went away or took nothing for the write timeout.
  asio::awaitable<bool, runtime::Executor> write_all(Parts parts) {
    while (parts[0].size() + parts[1].size() > 0) {
      wait_until(home_.options.write_timeout);
      const auto [ec, n] = co_await stream_.io().async_write_some(parts, runtime::kAwait);
      if (ec) co_return false;
      const std::size_t of_first = std::min(n, parts[0].size());
      parts[0] += of_first;
      parts[1] += n - of_first;
    }
    co_return true;
  }

  // --- ending ----------------------------------------------------------------------------------

  // Answers what was not understood or not wanted. The peer may still be sending; closing with
  // bytes unread would reset the connection and the answer might be lost, so they are read and
  // dropped.
  asio::awaitable<void, runtime::Executor> refuse() {
    ++home_.cells.refused;
    home_.cells.answered(refusal_);
    HttpResponse response;
    response.status = refusal_;
    write_head(head_, response, home_.server_and_date, AfterAnswer::close);
    if (!co_await write_all({asio::buffer(head_), {}})) co_return;
    boost::system::error_code ignored;
    if constexpr (Stream::kTls) {
      wait_until(kLingerTimeout);
      co_await stream_.farewell();
    }
    stream_.socket().shutdown(Socket::shutdown_send, ignored);
    wait_until(kLingerTimeout);
    std::vector<char> scrap(16384);
    for (std::size_t dropped = 0; dropped < kLingerBytesMax;) {
      const auto [ec, n] =
          co_await stream_.socket().async_read_some(asio::buffer(scrap), runtime::kAwait);
      if (ec) break;
      dropped += n;
    }
  }

  asio::awaitable<void, runtime::Executor> close() {
    boost::system::error_code ignored;
    if constexpr (Stream::kTls) {
      if (refusal_ == 0 && !expired_) {
        wait_until(kLingerTimeout);
        co_await stream_.farewell();
      }
    }
    no_wait();
    stream_.socket().shutdown(Socket::shutdown_both, ignored);
    stream_.socket().close(ignored);
  }

  // --- waiting ---------------------------------------------------------------------------------

  void wait_until(std::chrono::milliseconds timeout) {
    expired_ = false;
    deadline_ = home_.now + timeout;
  }
  // Time that a fast peer has earned is not for stalling later.
  void extend_wait(std::size_t bytes) {
    if (deadline_ == TimePoint::max()) return;
    deadline_ =
        std::min(deadline_ + std::chrono::milliseconds(bytes * 1000 / kBodyBytesPerSecondMin),
                 home_.now + home_.options.body_timeout);
  }
  void no_wait() {
    expired_ = false;
    deadline_ = TimePoint::max();
  }
  void end_wait() override {
    boost::system::error_code ignored;
    stream_.socket().cancel(ignored);
  }

  ConnectionHome& home_;
  Stream stream_;
  const std::string remote_;
  RequestParser parser_;
  HttpRequest request_;
  std::vector<char> buffer_;  // [begin_, end_): read, not yet answered
  std::size_t begin_ = 0, end_ = 0;
  std::size_t body_begin_ = 0;  // where the request's head (then body) ends in buffer_
  Bytes body_;                  // when it did not come whole with the head
  std::string after_chunks_;
  std::string head_;  // of the answer
  std::string_view rest_of_head_;
  BytesView rest_of_body_;
  std::uint16_t refusal_ = 0;  // the status, when the request is not to be answered
};

}  // namespace trellis::net
