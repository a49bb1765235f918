#include "messaging/messaging_provider.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/log.h"
#include "capability/link_values.h"
#include "lattice/subjects.h"
#include "messaging/nats_client.h"
#include "messaging/subscriber.h"

namespace trellis::messaging {
namespace {

using namespace std::chrono_literals;

constexpr const char* kSite = "messaging";
constexpr auto kDrainTime = 10s;  // for messages under way when a link goes
constexpr auto kPoll = 5ms;

// A subject from an actor: it goes into NATS' protocol, and may be the lattice's own.
Result<void> check_subject(std::string_view subject, std::string_view what, bool lattice_allowed) {
  if (!lattice::valid_subject(subject)) {
    return fail(Errc::invalid, kSite, fmt::format("{} '{}' is not a NATS subject", what, subject));
  }
  if (is_lattice_subject(subject) && !lattice_allowed) {
    return fail(
        Errc::denied, kSite,
        fmt::format("{} '{}' is the lattice's own; an actor may speak there only if its link "
                    "says LATTICE=allow",
                    what, subject));
  }
  return {};
}

runtime::Task<void> drained(std::vector<std::shared_ptr<Subscriber>> subscribers,
                            runtime::Deadline deadline) {
  const auto busy = [](const auto& subscriber) { return !subscriber->drained(); };
  while (std::any_of(subscribers.begin(), subscribers.end(), busy)) {
    if (deadline.expired())
      co_return fail(Errc::timeout, kSite, "messages are still being handled");
    CO_TRY_OK(co_await runtime::Core::current().sleep_until(runtime::Deadline::in(kPoll)));
  }
  co_return Result<void>{};
}

// A link without servers of its own leads to the lattice's, by its own credentials if it has some.
NatsClient::Options connection_of(const Settings& settings, const capability::BusAccess& bus,
                                  std::string_view actor_id) {
  NatsClient::Options options{.servers = settings.servers,
                              .jwt = settings.jwt,
                              .seed = settings.seed,
                              .ca_file = {},
                              .cert_file = {},
                              .key_file = {},
                              .ping_interval = settings.ping_interval,
                              .who = fmt::format("the link of actor {}", actor_id)};
  if (!settings.servers.empty()) return options;
  options.servers = {bus.url};
  options.ca_file = bus.ca_file;
  options.cert_file = bus.cert_file;
  options.key_file = bus.key_file;
  if (settings.seed.empty()) {
    options.jwt = bus.jwt;
    options.seed = bus.seed;
  }
  return options;
}

}  // namespace

MessagingProvider::MessagingProvider(capability::ProviderContext context)
    : context_(std::move(context)),
      defaults_(capability::provider_config(context_.config_json)),
      per_core_(context_.cores.size()) {}
MessagingProvider::~MessagingProvider() = default;

// --- links ---

runtime::Task<void> MessagingProvider::link_put(lattice::Link link) {
  if (!defaults_) co_return fail(defaults_.error());
  const std::string actor = link.actor_id;
  auto settings = parse_settings(*defaults_, link);
  const auto before = links_.find(actor);
  if (settings && before != links_.end() && before->second.settings == *settings)
    co_return co_await before->second.client->check();
  CO_TRY_OK(co_await close(actor, runtime::Deadline::in(kDrainTime)));
  if (!settings) co_return fail(settings.error());
  if (settings->servers.empty()) {
    if (context_.bus.url.empty())
      co_return fail(Errc::invalid, kSite, "URI is missing: nats://host:port of a NATS server");
  }
  CO_TRY(auto linked, co_await open(actor, *std::move(settings)));
  const Way way{.client = linked.client,
                .lattice_subjects = linked.settings.lattice_subjects,
                .subscriptions = std::make_shared<const std::vector<Subscription>>(
                    linked.settings.subscriptions)};
  const auto client = linked.client;
  links_[actor] = std::move(linked);
  CO_TRY_OK(co_await context_.cores.on_each([this, actor, way] { return set_here(actor, way); }));
  CO_TRY_OK(co_await client->check());
  LOG(info, "messaging: actor {} is connected to NATS", actor);
  co_return Result<void>{};
}

runtime::Task<MessagingProvider::Linked> MessagingProvider::open(std::string actor_id,
                                                                 Settings settings) {
  Linked linked{.settings = std::move(settings), .client = nullptr, .subscribers = {}};
  auto connection = connection_of(linked.settings, context_.bus, actor_id);
  CO_TRY(linked.client, co_await NatsClient::open(context_.cores, std::move(connection)));
  for (const auto& [subject, queue] : linked.settings.subscriptions) {
    auto subscriber = std::make_shared<Subscriber>(context_.cores, context_.actors, actor_id,
                                                   context_.rpc_timeout);
    const auto take = [subscriber](NatsMessage message) { subscriber->take(std::move(message)); };
    linked.subscribers.push_back(subscriber);
    if (auto subscribed = co_await linked.client->subscribe(subject, queue, take); !subscribed) {
      for (const auto& opened : linked.subscribers) opened->close();
      CO_TRY_OK(co_await linked.client->close(runtime::Deadline::in(kDrainTime)));
      co_return fail(subscribed.error());
    }
  }
  co_return linked;
}

std::string MessagingProvider::warning_about(const lattice::Link& link) const {
  const auto settings = parse_settings(*defaults_, link);
  return settings ? oddities_of(*settings, link) : "";
}

runtime::Task<void> MessagingProvider::link_delete(lattice::Link link) {
  co_return co_await close(std::move(link.actor_id), runtime::Deadline::in(kDrainTime));
}

// No new messages; those under way are handled, and their handlers may still publish; then the end.
runtime::Task<void> MessagingProvider::close(std::string actor_id, runtime::Deadline deadline) {
  const auto node = links_.extract(actor_id);
  if (node.empty()) co_return Result<void>{};
  const auto linked = node.mapped();
  CO_TRY_OK(co_await linked.client->unsubscribe());
  for (const auto& subscriber : linked.subscribers) subscriber->close();
  if (auto done = co_await drained(linked.subscribers, deadline); !done)
    LOG(warn, "messaging: closing the link of actor {}: {}", actor_id, done.error().describe());
  CO_TRY_OK(
      co_await context_.cores.on_each([this, actor_id] { return set_here(actor_id, Way{}); }));
  co_return co_await linked.client->close(deadline);
}

runtime::Task<void> MessagingProvider::set_here(std::string actor_id, Way way) {
  auto& ways = per_core_[runtime::Core::current().index()];
  if (way.client) {
    ways[actor_id] = std::move(way);
  } else {
    ways.erase(actor_id);
  }
  co_return Result<void>{};
}

// --- calls ---

runtime::Task<Bytes> MessagingProvider::handle(const lattice::Link& link,
                                               std::string_view operation, BytesView payload,
                                               runtime::Deadline deadline) {
  const auto& ways = per_core_[runtime::Core::current().index()];
  const auto found = ways.find(link.actor_id);
  if (found == ways.end()) {
    co_return fail(Errc::unavailable, kSite,
                   "the link does not work; `wash ctl link query` says why");
  }
  const Way way = found->second;
  if (operation == capability::kPublish) {
    CO_TRY(auto message, capability::decode_pub_message(payload));
    co_return co_await publish(way, std::move(message));
  }
  if (operation == capability::kRequest) {
    CO_TRY(auto message, capability::decode_request_message(payload));
    co_return co_await request(way, std::move(message), deadline);
  }
  co_return fail(Errc::not_found, kSite, fmt::format("method not handled {}", operation));
}

runtime::Task<Bytes> MessagingProvider::publish(Way way, capability::PubMessage message) {
  CO_TRY_OK(check_subject(message.subject, "the subject", way.lattice_subjects));
  if (!message.reply_to.empty())
    CO_TRY_OK(check_subject(message.reply_to, "the reply subject", way.lattice_subjects));
  CO_TRY_OK(co_await way.client->publish(std::string(message.subject),
                                         std::string(message.reply_to), message.body));
  co_return Bytes{};
}

runtime::Task<Bytes> MessagingProvider::request(Way way, capability::RequestMessage message,
                                                runtime::Deadline deadline) {
  const bool permitted =
      way.lattice_subjects || asks_for_known_links(message.subject, *way.subscriptions);
  CO_TRY_OK(check_subject(message.subject, "the subject", permitted));
  // 0: as long as the call may take.
  if (message.timeout_ms > 0) {
    deadline =
        deadline.earlier_of(runtime::Deadline::in(std::chrono::milliseconds(message.timeout_ms)));
  }
  CO_TRY(const auto answer,
         co_await way.client->request(std::string(message.subject), message.body, deadline));
  const char* reply = natsMsg_GetReply(answer.get());
  const auto* data = reinterpret_cast<const std::uint8_t*>(natsMsg_GetData(answer.get()));
  const auto size = static_cast<std::size_t>(natsMsg_GetDataLength(answer.get()));
  co_return capability::encode_message(natsMsg_GetSubject(answer.get()),
                                       reply == nullptr ? "" : reply, {data, size});
}

// --- the rest ---

runtime::Task<void> MessagingProvider::health() {
  std::vector<std::shared_ptr<NatsClient>> clients;  // links come and go while one is looked at
  for (const auto& [actor, linked] : links_) clients.push_back(linked.client);
  for (const auto& client : clients) CO_TRY_OK(co_await client->check());
  co_return Result<void>{};
}

runtime::Task<void> MessagingProvider::stop(runtime::Deadline deadline) {
  std::vector<std::string> actors;
  for (const auto& [actor, linked] : links_) actors.push_back(actor);
  for (auto& actor : actors) {
    if (auto closed = co_await close(actor, deadline); !closed)
      LOG(warn, "messaging: closing the link of {}: {}", actor, closed.error().describe());
  }
  co_return Result<void>{};
}

}  // namespace trellis::messaging
