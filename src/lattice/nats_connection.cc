#include "lattice/nats_connection.h"

#include <fmt/format.h>

#include <charconv>
#include <span>

#include <boost/asio/connect.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>

#include "base/log.h"
#include "base/units.h"
#include "runtime/lookup.h"

namespace trellis::lattice {

namespace asio = runtime::asio;
using namespace std::chrono_literals;
using runtime::Task;

namespace {

constexpr const char* kSite = "lattice.nats";
constexpr auto kClosesAfterError = 1s;  // a server that closes for what it said does so by then
constexpr std::size_t kControlLineMax = 64_KiB;  // INFO names every server of a cluster
constexpr std::size_t kPayloadMax = 64_MiB;      // what nats-server can be told to take at most
constexpr std::size_t kSharedBytesMin = 16_KiB;  // larger payloads are not copied

Error no_server(const NatsServer& server, const Error& why) {
  return Error{
      why.code == Errc::cancelled || why.code == Errc::timeout ? why.code : Errc::unavailable,
      kSite, fmt::format("no NATS server at {}: {}", server.address(), why.detail)};
}

// -ERR at the handshake: what it means for whoever set this up.
Error refused(const NatsServer& server, std::string_view text, bool anonymous) {
  const bool about_who = text.find("uthoriz") != std::string_view::npos ||
                         text.find("uthenticat") != std::string_view::npos ||
                         text.find("redentials") != std::string_view::npos ||
                         text.find("xpired") != std::string_view::npos ||
                         text.find("evoked") != std::string_view::npos;
  if (!about_who)
    return Error{
        Errc::unavailable, kSite,
        fmt::format("the NATS server at {} refused the connection: {}", server.address(), text)};
  return Error{Errc::unauthenticated, kSite,
               fmt::format("the NATS server at {} {} ({})", server.address(),
                           anonymous ? "lets nobody in without credentials"
                                     : "does not take these credentials",
                           text)};
}

}  // namespace

std::string NatsServer::address() const {
  const bool bare_ip6 = host.find(':') != std::string::npos && host.front() != '[';
  return bare_ip6 ? fmt::format("[{}]:{}", host, port) : fmt::format("{}:{}", host, port);
}

Result<NatsServer> NatsServer::parse(std::string_view text) {
  const auto bad = [&] {
    return fail(Errc::invalid, kSite,
                fmt::format("'{}' is no address of a NATS server: expected host or host:port",
                            text.substr(0, 200)));
  };
  auto rest = text;
  for (const std::string_view scheme : {"nats://", "tls://"})
    if (rest.starts_with(scheme)) rest.remove_prefix(scheme.size());
  NatsServer server;
  auto colon = rest.rfind(':');
  if (rest.starts_with('[')) {
    const auto bracket = rest.find(']');
    if (bracket == std::string_view::npos) return bad();
    server.host = rest.substr(1, bracket - 1);
    colon = bracket + 1 == rest.size() ? std::string_view::npos : bracket + 1;
    if (colon != std::string_view::npos && rest[colon] != ':') return bad();
  } else if (colon != std::string_view::npos && rest.find(':') != colon) {
    colon = std::string_view::npos;  // a bare IPv6 address
    server.host = rest;
  } else {
    server.host = rest.substr(0, colon);
  }
  if (server.host.empty()) return bad();
  if (colon != std::string_view::npos) {
    const auto digits = rest.substr(colon + 1);
    const auto [end, error] = std::from_chars(digits.begin(), digits.end(), server.port);
    if (error != std::errc() || end != digits.end() || server.port == 0) return bad();
  }
  return server;
}

NatsConnection::NatsConnection(const NatsConnectionOptions& options, NatsServer server)
    : options_(options),
      pending_bytes_max_(options.pending_bytes_max),
      ping_interval_(options.ping_interval),
      server_(std::move(server)),
      parser_(kControlLineMax, kPayloadMax, NatsSide::client),
      stream_(Socket(runtime::Core::current().executor())) {}

NatsConnection::~NatsConnection() = default;

// --- making it ---

Task<std::shared_ptr<NatsConnection>> NatsConnection::connect(const NatsConnectionOptions& options,
                                                              NatsServer server,
                                                              runtime::Deadline deadline) {
  const std::shared_ptr<NatsConnection> made(new NatsConnection(options, std::move(server)));
  auto opened = co_await runtime::with_deadline(made->open_socket(deadline), deadline, kSite);
  if (!opened) co_return fail(no_server(made->server_, opened.error()));
  CO_TRY_OK(co_await runtime::with_deadline(made->shake_hands(), deadline, kSite));
  co_return made;
}

Task<void> NatsConnection::open_socket(runtime::Deadline deadline) {
  CO_TRY(const auto found, co_await runtime::look_up(server_.host, server_.port, deadline));
  auto& socket = std::get<Socket>(stream_);
  const auto [error, at] = co_await asio::async_connect(socket, found, runtime::kAwait);
  if (error) co_return fail(runtime::error_from(error, kSite, "cannot connect"));
  boost::system::error_code ignored;
  static_cast<void>(socket.set_option(asio::ip::tcp::no_delay(true), ignored));
  co_return Result<void>();
}

Task<void> NatsConnection::shake_hands() {
  CO_TRY(const auto greeting, co_await next_command());
  if (greeting.op == NatsOp::err)
    co_return fail(refused(server_, greeting.json, options_.credentials.empty()));
  if (greeting.op != NatsOp::info)
    co_return fail(Errc::unavailable, kSite,
                   fmt::format("what answers at {} is no NATS server", server_.address()));
  CO_TRY(info_, parse_nats_info(greeting.json));
  if (!info_.headers)
    co_return fail(Errc::unavailable, kSite,
                   fmt::format("the NATS server at {} is too old ({}): headers are needed, which "
                               "came with 2.2",
                               server_.address(), info_.version));
  const bool tls = options_.tls.required || info_.tls_required;
  if (options_.tls.required && !info_.tls_required && !info_.tls_available)
    co_return fail(Errc::unavailable, kSite,
                   fmt::format("TLS was asked for, and the NATS server at {} does not speak it",
                               server_.address()));
  // What came in the clear behind INFO would be read as if it had come over TLS.
  if (tls && parser_.unread() > 0)
    co_return fail(Errc::unavailable, kSite,
                   fmt::format("the NATS server at {} went on in the clear where TLS begins",
                               server_.address()));
  if (tls) CO_TRY_OK(co_await start_tls());
  CO_TRY(const auto connect,
         nats_connect_line(options_.credentials, info_.nonce, options_.name, tls));
  out_.append(connect);
  out_.append("PING\r\n");
  flush_soon();
  for (;;) {
    CO_TRY(const auto said, co_await next_command());
    if (said.op == NatsOp::pong) co_return Result<void>();
    if (said.op == NatsOp::err)
      co_return fail(refused(server_, said.json, options_.credentials.empty()));
    if (said.op == NatsOp::ping) out_.append("PONG\r\n"), flush_soon();
  }
}

Task<void> NatsConnection::start_tls() {
  namespace ssl = asio::ssl;
  boost::system::error_code error;
  const auto fails = [&](const std::string& what) {
    return fail(Errc::invalid, kSite, fmt::format("TLS to NATS: {}: {}", what, error.message()));
  };
  tls_context_ = std::make_unique<ssl::context>(ssl::context::tls_client);
  static_cast<void>(
      tls_context_->set_options(ssl::context::no_tlsv1 | ssl::context::no_tlsv1_1, error));
  const auto& tls = options_.tls;
  if (tls.ca_file.empty())
    static_cast<void>(tls_context_->set_default_verify_paths(error));
  else
    static_cast<void>(tls_context_->load_verify_file(tls.ca_file, error));
  if (error) co_return fails("cannot read the CA certificates in " + tls.ca_file);
  if (!tls.cert_file.empty()) {
    static_cast<void>(tls_context_->use_certificate_chain_file(tls.cert_file, error));
    if (error) co_return fails("cannot use the certificate in " + tls.cert_file);
    static_cast<void>(tls_context_->use_private_key_file(tls.key_file, ssl::context::pem, error));
    if (error) co_return fails("cannot use the key in " + tls.key_file);
  }
  auto stream = std::make_unique<TlsStream>(std::move(std::get<Socket>(stream_)), *tls_context_);
  const auto& name = server_.tls_name.empty() ? server_.host : server_.tls_name;
  SSL_set_tlsext_host_name(stream->native_handle(), name.c_str());
  stream->set_verify_mode(ssl::verify_peer);
  stream->set_verify_callback(ssl::host_name_verification(name));
  auto& in_place = *stream;
  stream_ = std::move(stream);
  const auto [failed] =
      co_await in_place.async_handshake(ssl::stream_base::client, runtime::kAwait);
  if (failed)
    co_return fail(Errc::unavailable, kSite,
                   fmt::format("TLS to the NATS server at {} failed: {}", server_.address(),
                               failed.message()));
  co_return Result<void>();
}

// --- reading ---

Task<std::size_t> NatsConnection::read_some() {
  const auto space = parser_.prepare();
  const auto buffer = asio::buffer(space.data(), space.size());
  boost::system::error_code error;
  std::size_t size = 0;
  if (auto* plain = std::get_if<Socket>(&stream_)) {
    std::tie(error, size) = co_await plain->async_read_some(buffer, runtime::kAwait);
  } else {
    auto& tls = *std::get<std::unique_ptr<TlsStream>>(stream_);
    std::tie(error, size) = co_await tls.async_read_some(buffer, runtime::kAwait);
  }
  if (error) co_return fail(runtime::error_from(error, kSite, "the connection was lost"));
  parser_.commit(size);
  heard_at_ = Clock::now();
  asked_ = false;
  co_return size;
}

// For the handshake. The views of the command hold until the next.
Task<NatsCommand> NatsConnection::next_command() {
  for (;;) {
    auto command = parser_.next();
    if (!command)
      co_return fail(Errc::unavailable, kSite,
                     fmt::format("what answers at {} does not speak NATS: {}", server_.address(),
                                 command.error().detail));
    if (*command) co_return **command;
    CO_TRY_OK(co_await read_some());
  }
}

Task<std::string> NatsConnection::run(std::shared_ptr<NatsConnection> self,
                                      std::function<void(const NatsCommand&)> take,
                                      std::function<void()> told) {
  runtime::Core::current().spawn("NATS ping", watch(self, self->ping_interval_));
  while (self->open_) {
    auto command = self->parser_.next();
    if (!command) {
      self->close("the server broke the protocol: " + command.error().detail);
    } else if (!*command) {
      const auto got = co_await self->read_some();
      if (!got) self->close(got.error().detail);
    } else if ((*command)->op == NatsOp::msg) {
      take(**command);
    } else if ((*command)->op == NatsOp::ping) {
      self->out_.append("PONG\r\n");
      self->flush_soon();
    } else if ((*command)->op == NatsOp::pong) {
      self->answered();
    } else if ((*command)->op == NatsOp::info) {
      if (auto info = parse_nats_info((*command)->json)) {
        self->info_ = *std::move(info);
        told();
      }
    } else if ((*command)->op == NatsOp::err) {
      self->hear_error((*command)->json);
    }
  }
  co_return self->why_;
}

Task<void> NatsConnection::watch(std::weak_ptr<NatsConnection> weak,
                                 std::chrono::milliseconds interval) {
  // It is asked when it has said nothing for the interval, and has half of one more to answer.
  auto next = Clock::now() + interval;
  for (;;) {
    CO_TRY_OK(co_await runtime::Core::current().sleep_until({next}));
    const auto self = weak.lock();
    if (!self || !self->open_) co_return Result<void>();
    next = self->heard_at_ + interval;
    if (next > Clock::now()) continue;
    next = Clock::now() + interval / 2;
    if (std::exchange(self->asked_, true)) {
      self->close("the server does not answer any more");
      co_return Result<void>();
    }
    self->ask({});
  }
}

// The server closes the connection itself when it means to; its words are then why. What it refused
// is told to whoever sent it.
void NatsConnection::hear_error(std::string_view text) {
  last_error_ = text;
  last_error_at_ = Clock::now();
  if (errors_logged_.due(last_error_at_) > 0)
    LOG(warn, "the NATS server at {} says: {}", server_.address(), text);
  constexpr std::string_view kRefused = "Permissions Violation for Publish to \"";
  if (!text.starts_with(kRefused) || !refused_) return;
  const auto subject = text.substr(kRefused.size());
  refused_(subject.substr(0, subject.find('"')), last_error_);
}

void NatsConnection::ask(std::function<void()> answered) {
  if (!open_) return;
  awaited_.push_back(std::move(answered));
  out_.append("PING\r\n");
  flush_soon();
}

void NatsConnection::answered() {
  if (awaited_.empty()) return;  // nobody asked
  const auto tell = std::move(awaited_.front());
  awaited_.pop_front();
  if (tell) tell();
}

void NatsConnection::close(std::string why) {
  if (!std::exchange(open_, false)) return;
  const bool said_why = !last_error_.empty() && Clock::now() - last_error_at_ < kClosesAfterError;
  why_ = said_why ? fmt::format("the server said: {}", last_error_) : std::move(why);
  boost::system::error_code ignored;
  if (auto* plain = std::get_if<Socket>(&stream_))
    static_cast<void>(plain->close(ignored));
  else if (auto& tls = std::get<std::unique_ptr<TlsStream>>(stream_))
    static_cast<void>(tls->next_layer().close(ignored));
  out_.clear();
  while (!awaited_.empty()) answered();
}

// --- writing ---

Result<void> NatsConnection::publish(Message&& message) {
  if (!open_) return fail(Errc::unavailable, kSite, why_);
  const auto headers = message.headers.empty() ? std::string() : nats_header_block(message.headers);
  const auto total = headers.size() + message.data.size();
  if (pending() + total > pending_bytes_max_)
    return fail(Errc::exhausted, kSite,
                fmt::format("the NATS server at {} is too slow: {} bytes wait for it",
                            server_.address(), pending()));
  auto& text = out_.begin_append();
  append_publish_line(text, message.subject, message.reply, headers.size(), total);
  text += headers;
  if (message.data.size() < kSharedBytesMin) {
    text += as_text(message.data);
    text += "\r\n";
    out_.appended();
  } else {
    out_.appended();
    const auto owned = std::make_shared<const Bytes>(std::move(message.data));
    out_.append_shared(owned, *owned);
    out_.append("\r\n");
  }
  flush_soon();
  return {};
}

Result<void> NatsConnection::subscribe(std::string_view subject, std::string_view queue_group,
                                       std::uint64_t sid) {
  if (!open_) return fail(Errc::unavailable, kSite, why_);
  out_.append(queue_group.empty() ? fmt::format("SUB {} {}\r\n", subject, sid)
                                  : fmt::format("SUB {} {} {}\r\n", subject, queue_group, sid));
  flush_soon();
  return {};
}

void NatsConnection::unsubscribe(std::uint64_t sid) {
  if (!open_) return;
  out_.append(fmt::format("UNSUB {}\r\n", sid));
  flush_soon();
}

void NatsConnection::flush_soon() {
  if (writing_ || std::exchange(flush_posted_, true)) return;
  runtime::Core::current().post([self = shared_from_this()] {
    self->flush_posted_ = false;
    if (self->open_ && !self->writing_) self->write_some();
  });
}

void NatsConnection::write_some() {
  if (in_flight_.empty()) std::swap(in_flight_, out_);
  if (in_flight_.empty()) return;
  std::array<iovec, kPartsMax> parts;
  const auto count = in_flight_.peek(parts);
  for (std::size_t i = 0; i < count; ++i) parts_[i] = {parts[i].iov_base, parts[i].iov_len};
  const std::span<const asio::const_buffer> buffers(parts_.data(), count);
  writing_ = true;
  auto done = [self = shared_from_this()](const boost::system::error_code& error,
                                          std::size_t bytes) { self->written(error, bytes); };
  if (auto* plain = std::get_if<Socket>(&stream_))
    plain->async_write_some(buffers, std::move(done));
  else
    std::get<std::unique_ptr<TlsStream>>(stream_)->async_write_some(buffers, std::move(done));
}

void NatsConnection::written(const boost::system::error_code& error, std::size_t bytes) {
  writing_ = false;
  if (!open_) return;
  if (error) return close(runtime::error_from(error, kSite, "the connection was lost").detail);
  in_flight_.consume(bytes);
  write_some();
}

}  // namespace trellis::lattice
