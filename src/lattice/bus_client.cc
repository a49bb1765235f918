#include "lattice/bus_client.h"

#include <fmt/format.h>
#include <openssl/crypto.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/log.h"
#include "codec/json.h"
#include "lattice/nats_text.h"
#include "lattice/subjects.h"

namespace trellis::lattice {

namespace asio = runtime::asio;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t kSharedBytesMin =
    16 * 1024;  // larger payloads are not copied for each client
constexpr std::size_t kWrittenPerTurn = 1024 * 1024;  // then others have their turn
constexpr std::size_t kPartsMax = 64;                 // of one sendmsg
constexpr auto kClosingTime = 2s;                     // for the peer to take the last words
constexpr auto kLingerTime = 500ms;                   // for the peer to go when it has them

bool equal_in_constant_time(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace

// A subscription of the client.
class BusClient::ClientReceiver final : public Receiver {
 public:
  ClientReceiver(BusClient& client, std::string sid, std::string pattern, std::string queue)
      : Receiver(std::move(pattern), std::move(queue)), client_(client), sid_(std::move(sid)) {}

  const void* owner() const override { return &client_; }
  const std::string& sid() const { return sid_; }

  bool wants(const void* publisher) const override {
    return !client_.slow_ && !client_.closing_ && (client_.echo_ || publisher != &client_);
  }

  bool deliver(Parcel& parcel) override {
    if (!client_.send_message(sid_, parcel)) return false;
    if (++delivered_ == max_) end();
    return true;
  }

  // After `max` messages in all it ends, at once when it had as many.
  void end_after(std::uint64_t max) {
    max_ = max;
    if (delivered_ >= max_) end();
  }

 private:
  void end() {
    client_.router_->remove(*this);
    const auto sid = std::move(sid_);
    client_.receivers_.erase(sid);  // destroys this
  }

  BusClient& client_;
  std::string sid_;
  std::uint64_t max_ = 0;  // 0: no end
  std::uint64_t delivered_ = 0;
};

BusClient::BusClient(std::uint64_t id, Socket socket, const EmbeddedBusOptions& options,
                     std::shared_ptr<BusRouter> router, BusClientOwner& owner)
    : id_(id),
      socket_(std::move(socket)),
      options_(options),
      router_(std::move(router)),
      owner_(&owner),
      parser_(options.control_line_max, options.payload_bytes_max),
      authorized_(options.auth_token.empty() && options.user.empty()),
      connected_at_(Clock::now()),
      heard_at_(connected_at_),
      asked_at_(connected_at_) {}

BusClient::~BusClient() { drop_subscriptions(); }

std::string BusClient::describe() const {
  return name_.empty() ? fmt::format("bus client {}", id_)
                       : fmt::format("bus client {} ({})", id_, name_);
}

runtime::Task<void> BusClient::run(std::shared_ptr<BusClient> self, std::string greeting) {
  self->send(greeting);
  constexpr auto kAsValue = asio::as_tuple(asio::use_awaitable_t<runtime::Executor>());
  while (self->open_) {
    const auto space = self->parser_.prepare();
    const auto buffer = asio::buffer(space.data(), space.size());
    const auto [error, size] = co_await self->socket_.async_read_some(buffer, kAsValue);
    if (error || !self->open_) break;
    if (self->closing_) continue;
    self->heard_at_ = Clock::now();
    self->pings_unanswered_ = 0;
    self->parser_.commit(size);
    self->handle_all();
  }
  self->cut();
  if (auto* owner = std::exchange(self->owner_, nullptr)) owner->left(*self);
  co_return Result<void>();
}

void BusClient::handle_all() {
  while (!closing_ && open_) {
    auto command = parser_.next();
    if (!command) return close_with(command.error().detail);
    if (!*command) return;
    handle(**command);
  }
}

void BusClient::handle(const NatsCommand& command) {
  if (!authorized_ && command.op != NatsOp::connect) return close_with("Authorization Violation");
  switch (command.op) {
    case NatsOp::connect:
      return connect(command.json);
    case NatsOp::ping:
      send("PONG\r\n");
      return;
    case NatsOp::pong:
      return;  // that something came is what counts
    case NatsOp::sub:
      return subscribe(command);
    case NatsOp::unsub:
      return unsubscribe(command);
    case NatsOp::pub:
      return publish(command);
    case NatsOp::info:
    case NatsOp::msg:
    case NatsOp::ok:
    case NatsOp::err:
      return;  // a server's: the parser gives a server none of them
  }
}

void BusClient::connect(std::string_view json) {
  const auto parsed = codec::json_parse(json);
  if (!parsed || !parsed->is_object()) return close_with("Parser Error");
  const auto& said = parsed->get_object();
  const auto flag = [&](std::string_view key, bool& value) {
    const auto given = codec::json_bool(said, key);
    if (given && *given) value = **given;
  };
  flag("verbose", verbose_);
  flag("pedantic", pedantic_);
  flag("echo", echo_);
  flag("headers", headers_);
  flag("no_responders", no_responders_);
  if (const auto name = codec::json_string(said, "name"); name && *name)
    name_ = (*name)->substr(0, 64);
  if (!authorized(said)) {
    LOG(warn, "{} was refused: wrong or no credentials", describe());
    return close_with("Authorization Violation");
  }
  authorized_ = true;
  if (no_responders_ && !headers_) return close_with("no responders requires headers support");
  say_ok();
}

bool BusClient::authorized(const boost::json::object& said) const {
  const auto matches = [&](std::string_view key, const std::string& expected) {
    const auto given = codec::json_string(said, key);
    return given && *given && equal_in_constant_time(**given, expected);
  };
  if (!options_.auth_token.empty() && matches("auth_token", options_.auth_token)) return true;
  if (!options_.user.empty())
    return matches("user", options_.user) && matches("pass", options_.password);
  return options_.auth_token.empty();
}

void BusClient::subscribe(const NatsCommand& command) {
  if (!valid_pattern(command.subject) ||
      (!command.queue.empty() && !valid_subject(command.queue))) {
    send(nats_error_line("Invalid Subject"));
    return;
  }
  if (receivers_.size() >= options_.subscriptions_max) {
    send(nats_error_line("maximum subscriptions exceeded"));
    return;
  }
  const auto [place, fresh] = receivers_.try_emplace(std::string(command.sid));
  if (fresh) {  // a known sid keeps its subscription, as with nats-server
    place->second = std::make_unique<ClientReceiver>(
        *this, place->first, std::string(command.subject), std::string(command.queue));
    router_->add(*place->second);
  }
  say_ok();
}

void BusClient::unsubscribe(const NatsCommand& command) {
  const auto found = receivers_.find(std::string(command.sid));
  if (found != receivers_.end()) {
    if (command.max) {
      found->second->end_after(command.max);
    } else {
      router_->remove(*found->second);
      receivers_.erase(found);
    }
  }
  say_ok();
}

void BusClient::publish(const NatsCommand& command) {
  if (command.has_headers && !headers_) return close_with("message headers not supported");
  const bool valid =
      valid_subject(command.subject) && (command.reply.empty() || valid_subject(command.reply));
  if (!valid && pedantic_) {
    send(nats_error_line("Invalid Publish Subject"));
    return;
  }
  say_ok();
  BusRouter::Routed routed;
  if (valid) {
    Parcel parcel(command.subject, command.reply, command.headers, command.payload);
    routed = router_->route(parcel, this);
    dropped_ += routed.refused;
  }
  if (routed.delivered == 0 && routed.refused == 0 && no_responders_ && !command.reply.empty())
    answer_no_responders(command.reply);
}

void BusClient::answer_no_responders(std::string_view reply) {
  const auto* receiver = router_->receiver_of(this, reply);
  if (!receiver) return;
  const auto sid = static_cast<const ClientReceiver*>(receiver)->sid();
  std::string text;
  append_message_line(text, reply, sid, "", kNoRespondersBlock.size(), kNoRespondersBlock.size());
  text += kNoRespondersBlock;
  text += "\r\n";
  send(text);
}

// False, and the client is given up, when it is too far behind.
bool BusClient::has_room(std::size_t bytes) {
  if (slow_ || !open_) return false;
  if (out_.size() + bytes <= options_.pending_bytes_max) return true;
  LOG(warn, "{} is cut off: it has not read {} bytes that wait for it (slow consumer)", describe(),
      out_.size());
  slow_ = true;
  if (owner_) owner_->flush_soon(*this);
  return false;
}

bool BusClient::send(std::string_view text) {
  if (!has_room(text.size())) return false;
  out_.append(text);
  if (owner_) owner_->flush_soon(*this);
  return true;
}

bool BusClient::send_message(std::string_view sid, Parcel& parcel) {
  const auto headers = headers_ ? parcel.header_block() : std::string_view();
  const auto total = headers.size() + parcel.data().size();
  if (!has_room(total + parcel.subject().size() + parcel.reply().size() + 64)) return false;
  auto& text = out_.begin_append();
  append_message_line(text, parcel.subject(), sid, parcel.reply(), headers.size(), total);
  text += headers;
  if (parcel.data().size() < kSharedBytesMin) {
    text += as_text(parcel.data());
    text += "\r\n";
    out_.appended();
  } else {
    out_.appended();
    const auto& message = parcel.message();
    out_.append_shared(message, message->data);
    out_.append("\r\n");
  }
  if (owner_) owner_->flush_soon(*this);
  return true;
}

void BusClient::flush() {
  if (slow_) return cut();
  if (!open_ || writing_) return;
  write_some();
}

void BusClient::write_some() {
  std::size_t written = 0;
  while (!out_.empty()) {
    if (written >= kWrittenPerTurn) {
      if (owner_) owner_->flush_soon(*this);
      return;
    }
    std::array<iovec, kPartsMax> parts;
    msghdr message{};
    message.msg_iov = parts.data();
    message.msg_iovlen = out_.peek(parts);
    const auto sent = ::sendmsg(socket_.native_handle(), &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0) {
      if (errno == EINTR) continue;
      if (errno == EAGAIN || errno == EWOULDBLOCK) return wait_until_writable();
      return cut();
    }
    out_.consume(static_cast<std::size_t>(sent));
    written += static_cast<std::size_t>(sent);
  }
  if (!closing_) return;
  // The peer may still be sending: closing now would reset the connection and lose the last words.
  boost::system::error_code ignored;
  socket_.shutdown(Socket::shutdown_send, ignored);
  close_at_ = std::min(close_at_, Clock::now() + kLingerTime);
}

void BusClient::wait_until_writable() {
  writing_ = true;
  socket_.async_wait(Socket::wait_write,
                     [self = shared_from_this()](boost::system::error_code error) {
                       self->writing_ = false;
                       if (!error && self->open_) self->flush();
                     });
}

void BusClient::close_with(std::string_view error) {
  if (closing_ || !open_) return;
  if (!error.empty()) send(nats_error_line(error));
  closing_ = true;
  close_at_ = Clock::now() + kClosingTime;
  drop_subscriptions();
  if (owner_) owner_->flush_soon(*this);
}

void BusClient::cut() {
  if (!std::exchange(open_, false)) return;
  boost::system::error_code ignored;
  socket_.close(ignored);  // ends the read loop
  out_.clear();
  drop_subscriptions();
}

void BusClient::disown() {
  owner_ = nullptr;
  cut();
}

void BusClient::drop_subscriptions() {
  for (const auto& [sid, receiver] : receivers_) router_->remove(*receiver);
  receivers_.clear();
}

void BusClient::tick(Clock::time_point now) {
  if (!open_) return;
  if (dropped_)
    LOG(warn, "{} message(s) of {} were dropped: their receivers are too far behind",
        std::exchange(dropped_, 0), describe());
  if (now >= close_at_) return cut();
  if (closing_) return;
  if (!authorized_ && now - connected_at_ >= options_.auth_timeout)
    return close_with("Authentication Timeout");
  if (now - heard_at_ < options_.ping_interval || now - asked_at_ < options_.ping_interval) return;
  if (pings_unanswered_ >= options_.pings_unanswered_max) {
    LOG(warn, "{} does not answer any more (stale connection)", describe());
    return close_with("Stale Connection");
  }
  ++pings_unanswered_;
  asked_at_ = now;
  send("PING\r\n");
}

}  // namespace trellis::lattice
