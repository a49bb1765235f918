#include "capability/provider_service.h"

#include <fmt/format.h>

#include <chrono>

#include "base/limits.h"
#include "base/log.h"
#include "codec/json.h"
#include "codec/msgpack.h"

namespace trellis::capability {
namespace {

using namespace std::chrono_literals;
using runtime::Deadline;

constexpr const char* kSite = "capability.service";
constexpr std::size_t kLinkChangesQueuedMax = 20'000;
constexpr auto kLinkChangeTimeout = 30s;
constexpr auto kHealthTimeout = 2s;
constexpr std::size_t kRunningMax = 5'000;  // calls at once; more are refused

bool may_pass(Errc code) {
  return code == Errc::unavailable || code == Errc::timeout || code == Errc::exhausted;
}

}  // namespace

ProviderService::ProviderService(lattice::Bus& bus, lattice::LargeMessages& large, HostData data,
                                 std::shared_ptr<Provider> provider)
    : bus_(bus),
      exchange_(bus, large),
      data_(std::move(data)),
      subjects_{.prefix = data_.lattice},
      provider_(std::move(provider)),
      verifier_({.cluster_issuers = data_.cluster_issuers, .lattice = data_.lattice}),
      tasks_(runtime::Core::current()),
      turn_(1, kLinkChangesQueuedMax),
      asked_(runtime::Core::current()) {}

ProviderService::~ProviderService() = default;

runtime::Task<void> ProviderService::start() {
  for (const auto& link : data_.links) CO_TRY_OK(co_await put(link, ""));
  co_return listen();
}

Result<void> ProviderService::listen() {
  const auto& key = data_.provider_key;
  const auto& name = data_.link_name;
  const auto on = [this](std::string subject, std::string_view queue,
                         std::function<void(const lattice::Message&)> handler) -> Result<void> {
    TRY(auto subscription,
        bus_.subscribe(std::move(subject), std::string(queue), std::move(handler)));
    subscriptions_.push_back(std::move(subscription));
    return {};
  };
  using M = const lattice::Message&;
  TRY_OK(on(subjects_.provider_link_put(key, name), "", [this](M m) {
    auto link = lattice::link_from_msgpack(m.data);
    if (link) return tasks_.spawn("link put", put(std::move(*link), m.reply));
    LOG(warn, "a link cannot be read: {}", link.error().describe());
  }));
  TRY_OK(on(subjects_.provider_link_del(key, name), "", [this](M m) {
    auto link = lattice::link_from_msgpack(m.data);
    if (link) return tasks_.spawn("link del", take_back(std::move(*link)));
    LOG(warn, "a link cannot be read: {}", link.error().describe());
  }));
  TRY_OK(on(subjects_.provider(key, name), lattice::kProviderQueue,
            [this](M m) { tasks_.spawn("call", answer_call(m)); }));
  TRY_OK(on(subjects_.provider_shutdown(key, name), "", [this](M m) { hear_shutdown(m); }));
  return on(subjects_.provider_health(key, name), "",
            [this](M m) { tasks_.spawn("health", answer_health(m.reply)); });
}

void ProviderService::say(const std::string& subject, Bytes data) {
  if (subject.empty()) return;
  lattice::Message message{.subject = subject, .reply = {}, .headers = {}, .data = std::move(data)};
  if (auto sent = bus_.publish(std::move(message)); !sent)
    LOG(warn, "an answer was not sent: {}", sent.error().describe());
}

// --- links ---

// A link that is there already, with the same values, is answered and nothing else.
runtime::Task<void> ProviderService::put(lattice::Link link, std::string reply) {
  CO_TRY(const auto turn, co_await turn_.enter(Deadline::in(kLinkChangeTimeout)));
  const auto known = links_.find(link.actor_id);
  Result<void> done;
  if (known == links_.end() || !known->second.works || known->second.link != link) {
    done = co_await provider_->link_put(link);
    if (done || may_pass(done.error().code))
      links_.insert_or_assign(link.actor_id, Held{.link = link, .works = done.has_value()});
  }
  say_of_link(reply, link, done);
  co_return Result<void>{};
}

void ProviderService::say_of_link(const std::string& reply, const lattice::Link& link,
                                  const Result<void>& outcome) {
  const std::string why = outcome ? "" : outcome.error().detail;
  if (outcome)
    refused_.erase(link.actor_id);
  else if (std::exchange(refused_[link.actor_id], why) != why)
    LOG(error, "link of {}: {}; other links work on", link.actor_id, outcome.error().describe());
  say(reply, to_bytes(codec::json_write(
                 codec::json::object{{"accepted", outcome.has_value()},
                                     {"error", why},
                                     {kMayPass, !outcome && may_pass(outcome.error().code)}})));
}

runtime::Task<void> ProviderService::take_back(lattice::Link link) {
  CO_TRY(const auto turn, co_await turn_.enter(Deadline::in(kLinkChangeTimeout)));
  refused_.erase(link.actor_id);
  const auto known = links_.find(link.actor_id);
  if (known == links_.end()) co_return Result<void>{};
  auto gone = std::move(known->second.link);
  links_.erase(known);
  co_return co_await provider_->link_delete(std::move(gone));
}

// --- calls ---

runtime::Task<void> ProviderService::answer_call(lattice::Message message) {
  lattice::InvocationResponse response;
  auto invocation = lattice::decode_invocation(message.data);
  if (!invocation) {
    response.error = "deser error: deserialization: " + invocation.error().detail;
  } else {
    response.invocation_id = invocation->id;
    auto result = co_await handle(*invocation, message.subject);
    if (result) {
      response.content_length = result->size();
      response.msg = std::move(*result);
    } else {
      response.error = std::move(result.error().detail);
    }
  }
  if (response.error) LOG(warn, "a call was refused or failed: {}", *response.error);
  co_return co_await exchange_.answer(std::move(message.reply), std::move(response),
                                      Deadline::in(limits::kGuestCallTimeout));
}

runtime::Task<Bytes> ProviderService::handle(lattice::Invocation& invocation, std::string subject) {
  const auto deadline = Deadline::in(limits::kGuestCallTimeout);
  CO_TRY_OK(co_await exchange_.authenticate(verifier_, invocation, subject, deadline));
  const auto& actor = invocation.origin.public_key;
  const auto known = links_.find(actor);
  if (known == links_.end())
    co_return fail(Errc::denied, kSite, fmt::format("unlinked actor: '{}'", actor));
  if (running_ >= kRunningMax) {
    co_return fail(Errc::exhausted, kSite,
                   fmt::format("this provider already runs {} calls; try again", kRunningMax));
  }
  const lattice::Link link = known->second.link;  // it may be taken back meanwhile
  ++running_;
  auto result = co_await runtime::with_deadline<Bytes>(
      provider_->handle(link, invocation.operation, invocation.msg, deadline), deadline, kSite);
  --running_;
  co_return result;
}

// --- health and the end ---

runtime::Task<void> ProviderService::answer_health(std::string reply) {
  const auto well = co_await runtime::with_deadline<void>(provider_->health(),
                                                          Deadline::in(kHealthTimeout), kSite);
  Bytes answer;
  codec::MsgpackWriter out(answer);
  out.map(well ? 2 : 3);
  out.str("healthy");
  out.boolean(well.has_value());
  out.str(kLinkAnswers);
  out.boolean(true);
  if (!well) {
    out.str("message");
    out.str(well.error().detail);
  }
  say(reply, std::move(answer));
  co_return Result<void>{};
}

void ProviderService::hear_shutdown(const lattice::Message& message) {
  const auto body = codec::json_parse(as_text(message.data));
  const auto host = body && body->is_object() ? codec::json_string(body->get_object(), "host_id")
                                              : Result<std::optional<std::string>>(std::nullopt);
  // Every host of the lattice may say this to its own.
  if (host && *host && !(*host)->empty() && **host != data_.host_id) return;
  shutdown_reply_ = message.reply;
  asked_.wake();
}

runtime::Task<void> ProviderService::shutdown_asked() {
  if (co_await asked_.wait() == runtime::Wake::cancelled)
    co_return fail(Errc::cancelled, kSite, "no longer wanted");
  co_return Result<void>{};
}

runtime::Task<void> ProviderService::stop(Deadline deadline) {
  subscriptions_.clear();
  auto stopped = co_await provider_->stop(deadline);
  if (const auto ended = co_await tasks_.join(deadline); !ended) tasks_.cancel();
  while (tasks_.size() > 0) (void)co_await tasks_.join(Deadline::in(1s));
  say(shutdown_reply_, to_bytes("shutting down"));
  co_return stopped;
}

}  // namespace trellis::capability
