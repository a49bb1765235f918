#include "messaging/nats_client.h"

#include <fmt/format.h>

#include <cstdlib>
#include <cstring>
#include <optional>
#include <utility>

#include "base/log.h"
#include "claims/nkey.h"
#include "messaging/replies.h"
#include "net/stream.h"

namespace trellis::messaging {
namespace {

using namespace std::chrono_literals;

constexpr const char* kSite = "messaging.nats";
constexpr auto kConnectTimeout = 2s;
constexpr int kConnectAttemptsMax = 3;
constexpr auto kWriteTimeout = 5s;
constexpr auto kReconnectWait = 200ms;  // and as much again at random
constexpr auto kLookTimeout = 500ms;    // for the reason why nobody answers
constexpr auto kClosePoll = 5ms;

char* duplicate(std::string_view text) {
  char* copy = static_cast<char*>(std::malloc(text.size() + 1));  // libnats frees it
  if (copy == nullptr) return nullptr;
  std::memcpy(copy, text.data(), text.size());
  copy[text.size()] = '\0';
  return copy;
}

std::string words(natsStatus status) {
  const char* said = nats_GetLastError(nullptr);
  return said != nullptr && *said != '\0' ? said : natsStatus_GetText(status);
}

Error error_of(natsStatus status, std::string_view what) {
  switch (status) {
    case NATS_CONNECTION_AUTH_FAILED:
    case NATS_NOT_PERMITTED:
      return {Errc::unauthenticated, kSite, fmt::format("{}: {}", what, words(status))};
    case NATS_INVALID_ARG:
    case NATS_INVALID_SUBJECT:
    case NATS_INVALID_QUEUE_NAME:
    case NATS_MAX_PAYLOAD:
      return {Errc::invalid, kSite, fmt::format("{}: {}", what, natsStatus_GetText(status))};
    case NATS_INSUFFICIENT_BUFFER:
      return {Errc::exhausted, kSite,
              fmt::format("{}: the connection is lost and no more can be kept for later", what)};
    default:
      return {Errc::unavailable, kSite, fmt::format("{}: {}", what, words(status))};
  }
}

struct OptionsFree {
  void operator()(natsOptions* options) const { natsOptions_Destroy(options); }
};

}  // namespace

// libnats calls back about a connection until it says that it is closed, which may be after we let
// go of it: this keeps itself until then.
struct NatsClient::Closure {
  std::string who, jwt;
  std::optional<claims::KeyPair> key;
  std::atomic<bool> closing{false};  // by us: that the connection ends then is no news
  std::shared_ptr<Closure> self;

  static natsStatus give_jwt(char** jwt, char**, void* closure) {
    *jwt = duplicate(static_cast<Closure*>(closure)->jwt);
    return *jwt == nullptr ? NATS_NO_MEMORY : NATS_OK;
  }
  static natsStatus sign(char**, unsigned char** signature, int* size, const char* nonce,
                         void* closure) {
    const auto made = static_cast<Closure*>(closure)->key->sign(as_bytes(nonce));
    *signature = static_cast<unsigned char*>(std::malloc(made.size()));
    if (*signature == nullptr) return NATS_NO_MEMORY;
    std::memcpy(*signature, made.data(), made.size());
    *size = static_cast<int>(made.size());
    return NATS_OK;
  }
  static void on_error(natsConnection*, natsSubscription*, natsStatus status, void* closure) {
    LOG(warn, "messaging: {}: {}{}", static_cast<Closure*>(closure)->who,
        natsStatus_GetText(status),
        status == NATS_SLOW_CONSUMER ? "; messages come faster than they are handled and are lost"
                                     : "");
  }
  static void on_disconnected(natsConnection*, void* closure) {
    const auto& self = *static_cast<Closure*>(closure);
    if (self.closing) return;
    LOG(warn, "messaging: {}: the connection to NATS is lost; trying again", self.who);
  }
  static void on_connected(natsConnection*, void* closure) {
    LOG(info, "messaging: {}: connected to NATS", static_cast<Closure*>(closure)->who);
  }
  static void on_closed(natsConnection*, void* closure) {
    const auto last = std::move(static_cast<Closure*>(closure)->self);
  }
};

struct NatsClient::Listener {
  OnMessage handler;
  std::shared_ptr<std::atomic<int>> listening;

  static void on_message(natsConnection*, natsSubscription*, natsMsg* message, void* closure) {
    static_cast<Listener*>(closure)->handler(NatsMessage(message, natsMsg_Destroy));
  }
  // The last thing libnats calls for a subscription.
  static void on_complete(void* closure) {
    const std::unique_ptr<Listener> last(static_cast<Listener*>(closure));
    last->listening->fetch_sub(1);
  }
};

NatsClient::NatsClient(runtime::Cores& cores, Options options)
    : cores_(cores),
      options_(std::move(options)),
      closure_(std::make_shared<Closure>()),
      replies_(std::make_shared<Replies>(
          cores, "_INBOX." + claims::KeyPair::generate(claims::KeyType::user).public_key())),
      listening_(std::make_shared<std::atomic<int>>(0)) {
  closure_->who = options_.who;
  closure_->jwt = options_.jwt;
}
NatsClient::~NatsClient() = default;

runtime::Task<std::shared_ptr<NatsClient>> NatsClient::open(runtime::Cores& cores,
                                                            Options options) {
  std::shared_ptr<NatsClient> client(new NatsClient(cores, std::move(options)));
  auto work = [&] { return client->connect_or_keep_trying(); };
  CO_TRY_OK(co_await client->thread_.run<void>(work));
  co_return client;
}

Result<void> NatsClient::connect_or_keep_trying() {
  auto first = connect(false);
  if (first || first.error().code != Errc::unavailable) return first;
  return connect(true);
}

Result<void> NatsClient::set_credentials(natsOptions* options) {
  if (options_.seed.empty()) return {};
  TRY(auto key, claims::KeyPair::from_seed(options_.seed));
  auto* closure = closure_.get();
  closure->key = std::move(key);
  const auto status =
      options_.jwt.empty()
          ? natsOptions_SetNKey(options, closure->key->public_key().c_str(), Closure::sign, closure)
          : natsOptions_SetUserCredentialsCallbacks(options, Closure::give_jwt, closure,
                                                    Closure::sign, closure);
  if (status != NATS_OK) return fail(error_of(status, "cannot use these credentials"));
  return {};
}

Result<void> NatsClient::set_tls(natsOptions* options) const {
  const auto refused = [](const std::string& file) {
    return fail(Errc::invalid, kSite,
                fmt::format("'{}' cannot be used for TLS: {}", file, words(NATS_SSL_ERROR)));
  };
  const auto& ca = options_.ca_file;
  if (!ca.empty() && natsOptions_LoadCATrustedCertificates(options, ca.c_str()) != NATS_OK)
    return refused(ca);
  const auto& cert = options_.cert_file;
  if (!cert.empty() && natsOptions_LoadCertificatesChain(options, cert.c_str(),
                                                         options_.key_file.c_str()) != NATS_OK)
    return refused(cert);
  return {};
}

Result<void> NatsClient::connect(bool keep_trying) {
  natsOptions* made = nullptr;
  if (natsOptions_Create(&made) != NATS_OK)
    return fail(Errc::exhausted, kSite, "no memory for a connection");
  const std::unique_ptr<natsOptions, OptionsFree> options(made);
  std::vector<const char*> servers;
  for (const auto& server : options_.servers) servers.push_back(server.c_str());
  natsStatus status =
      natsOptions_SetServers(made, servers.data(), static_cast<int>(servers.size()));
  if (status != NATS_OK)
    return fail(Errc::invalid, kSite, fmt::format("URI: {}", natsStatus_GetText(status)));
  auto* closure = closure_.get();
  TRY_OK(set_credentials(made));
  TRY_OK(set_tls(made));
  natsOptions_SetName(made, "NATS Messaging Provider");
  natsOptions_SetTimeout(made, std::chrono::milliseconds(kConnectTimeout).count());
  natsOptions_SetWriteDeadline(made, std::chrono::milliseconds(kWriteTimeout).count());
  natsOptions_SetPingInterval(made, options_.ping_interval.count());
  natsOptions_SetSendAsap(made, true);
  natsOptions_SetMaxReconnect(made, -1);
  natsOptions_SetReconnectWait(made, kReconnectWait.count());
  natsOptions_SetReconnectJitter(made, kReconnectWait.count(), kReconnectWait.count());
  natsOptions_SetMaxPendingMsgs(made, limits::kMessagingPendingMax);
  natsOptions_SetErrorHandler(made, Closure::on_error, closure);
  natsOptions_SetDisconnectedCB(made, Closure::on_disconnected, closure);
  natsOptions_SetReconnectedCB(made, Closure::on_connected, closure);
  natsOptions_SetClosedCB(made, Closure::on_closed, closure);
  if (keep_trying) natsOptions_SetRetryOnFailedConnect(made, true, Closure::on_connected, closure);
  closure->self = closure_;
  // libnats leaves a signature out that begins with a zero, one in 256 (seen in 3.4.1): a refusal
  // is only believed when it comes again, for other nonces.
  for (int attempt = 0; attempt < kConnectAttemptsMax; ++attempt) {
    status = natsConnection_Connect(&connection_, made);
    if (status != NATS_CONNECTION_AUTH_FAILED) break;
  }
  if (status == NATS_OK || status == NATS_NOT_YET_CONNECTED) return {};
  closure->self.reset();  // a connection that never was is not closed either
  return fail(error_of(status, "cannot connect"));
}

runtime::Task<void> NatsClient::check() {
  auto work = [this]() -> Result<void> {
    if (connection_ != nullptr && natsConnection_Status(connection_) == NATS_CONN_STATUS_CONNECTED)
      return {};
    return fail(Errc::unavailable, kSite, "not connected");
  };
  if (co_await thread_.run<void>(work)) co_return Result<void>{};
  CO_TRY(const auto why, co_await why_unreachable());
  co_return fail(Errc::unavailable, kSite, fmt::format("{}; it is tried again", why));
}

// libnats only says that no server is there: look for the system's reason.
runtime::Task<std::string> NatsClient::why_unreachable() {
  std::string why;
  for (const auto& server : options_.servers) {
    const auto at =
        server.rfind('@') == std::string::npos ? server.find("://") + 2 : server.rfind('@');
    const std::string place = server.substr(at + 1);
    const auto colon = place.rfind(':');
    const bool ported = colon != std::string::npos && place.find(']', colon) == std::string::npos;
    net::Stream::Target target{.host = place.substr(0, ported ? colon : std::string::npos)};
    if (target.host.starts_with('[')) target.host = target.host.substr(1, target.host.size() - 2);
    target.port = static_cast<std::uint16_t>(
        ported ? std::strtoul(place.c_str() + colon + 1, nullptr, 10) : 4222);
    const auto stream =
        co_await net::Stream::connect(std::move(target), runtime::Deadline::in(kLookTimeout));
    why += why.empty() ? "" : "; ";
    why += stream ? fmt::format("what listens on {} does not let us in as a NATS client", place)
                  : stream.error().detail;
  }
  co_return why;
}

Result<natsSubscription*> NatsClient::subscribe_now(const std::string& subject,
                                                    const std::string& queue,
                                                    OnMessage on_message) {
  auto listener = std::make_unique<Listener>(std::move(on_message), listening_);
  natsSubscription* made = nullptr;
  const auto status = queue.empty() ? natsConnection_Subscribe(&made, connection_, subject.c_str(),
                                                               Listener::on_message, listener.get())
                                    : natsConnection_QueueSubscribe(
                                          &made, connection_, subject.c_str(), queue.c_str(),
                                          Listener::on_message, listener.get());
  if (status != NATS_OK)
    return fail(error_of(status, fmt::format("cannot subscribe to '{}'", subject)));
  listening_->fetch_add(1);
  natsSubscription_SetOnCompleteCB(made, Listener::on_complete, listener.release());
  natsSubscription_SetPendingLimits(made, limits::kMessagingPendingMax,
                                    static_cast<int>(limits::kMessagingPendingBytesMax));
  return made;
}

runtime::Task<void> NatsClient::subscribe(std::string subject, std::string queue,
                                          OnMessage on_message) {
  auto work = [&]() -> Result<void> {
    TRY(auto* made, subscribe_now(subject, queue, std::move(on_message)));
    subscriptions_.push_back(made);
    // A round trip: the server knows of it, so nothing that is published from now on is missed.
    if (natsConnection_Status(connection_) == NATS_CONN_STATUS_CONNECTED)
      natsConnection_FlushTimeout(connection_, std::chrono::milliseconds(kConnectTimeout).count());
    return {};
  };
  co_return co_await thread_.run<void>(work);
}

Result<void> NatsClient::await_replies() {
  if (replies_subscription_ != nullptr) return {};
  const auto take = [replies = replies_](NatsMessage message) {
    replies->take(std::move(message));
  };
  TRY(replies_subscription_, subscribe_now(replies_->pattern(), "", take));
  return {};
}

Result<void> NatsClient::send(const std::string& subject, const std::string& reply,
                              const Bytes& body) {
  if (connection_ == nullptr) return fail(Errc::unavailable, kSite, "the link is gone");
  const auto most = natsConnection_GetMaxPayload(connection_);
  if (most > 0 && static_cast<std::int64_t>(body.size()) > most) {
    return fail(Errc::invalid, kSite,
                fmt::format("the message has {} bytes; this NATS server takes at most {}",
                            body.size(), most));
  }
  const auto* data = reinterpret_cast<const char*>(body.data());
  const int size = static_cast<int>(body.size());
  const auto status =
      reply.empty()
          ? natsConnection_Publish(connection_, subject.c_str(), data, size)
          : natsConnection_PublishRequest(connection_, subject.c_str(), reply.c_str(), data, size);
  if (status == NATS_OK) return {};
  return fail(error_of(status, fmt::format("cannot publish on '{}'", subject)));
}

runtime::Task<void> NatsClient::publish(std::string subject, std::string reply, BytesView body) {
  // The caller may leave while the message waits for the thread.
  const Bytes copy(body.begin(), body.end());
  auto work = [&] { return send(subject, reply, copy); };
  co_return co_await thread_.run<void>(work);
}

runtime::Task<NatsMessage> NatsClient::request(std::string subject, BytesView body,
                                               runtime::Deadline deadline) {
  if (replies_->full_here())
    co_return fail(Errc::exhausted, kSite, "too many requests wait for an answer already");
  Replies::Place place(*replies_);
  const Bytes copy(body.begin(), body.end());
  auto work = [&]() -> Result<void> {
    if (connection_ != nullptr) TRY_OK(await_replies());
    return send(subject, place.subject(), copy);
  };
  CO_TRY_OK(co_await thread_.run<void>(work));
  CO_TRY(auto answer, co_await place.wait(deadline));
  if (natsMsg_IsNoResponders(answer.get())) {
    co_return fail(Errc::unavailable, kSite,
                   fmt::format("no responders: nobody listens on '{}'", subject));
  }
  co_return answer;
}

runtime::Task<void> NatsClient::unsubscribe() {
  auto work = [this]() -> Result<void> {
    for (auto* subscription : subscriptions_) natsSubscription_Unsubscribe(subscription);
    return {};
  };
  co_return co_await thread_.run<void>(work);
}

runtime::Task<void> NatsClient::close(runtime::Deadline deadline) {
  closure_->closing = true;
  auto work = [this]() -> Result<void> {
    for (auto* subscription : std::exchange(subscriptions_, {}))
      natsSubscription_Destroy(subscription);
    natsSubscription_Destroy(std::exchange(replies_subscription_, nullptr));
    natsConnection_Destroy(std::exchange(connection_, nullptr));
    return {};
  };
  CO_TRY_OK(co_await thread_.run<void>(work));
  while (listening_->load() > 0) {
    if (deadline.expired())
      co_return fail(Errc::timeout, kSite, "a thread of libnats is still in a message");
    CO_TRY_OK(co_await runtime::Core::current().sleep_until(runtime::Deadline::in(kClosePoll)));
  }
  co_return Result<void>{};
}

}  // namespace trellis::messaging
