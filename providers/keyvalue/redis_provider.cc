#include "keyvalue/redis_provider.h"

#include <algorithm>
#include <chrono>

#include "base/log.h"
#include "capability/keyvalue_contract.h"
#include "capability/link_values.h"
#include "codec/json.h"
#include "keyvalue/redis_client.h"
#include "keyvalue/redis_commands.h"
#include "keyvalue/redis_url.h"

namespace trellis::keyvalue {
namespace {

using namespace std::chrono_literals;

constexpr const char* kSite = "kvredis";
constexpr const char* kUrl = "URL";
constexpr auto kCheckTimeout = 2s;

Result<std::string> default_url(std::string_view config_json) {
  TRY(const auto config, capability::provider_config(config_json));
  TRY(const auto url, codec::json_string(config, "url"));
  return url.value_or("redis://0.0.0.0:6379/");
}

}  // namespace

RedisProvider::RedisProvider(capability::ProviderContext context)
    : context_(std::move(context)),
      default_url_(default_url(context_.config_json)),
      per_core_(context_.cores.size()) {}
RedisProvider::~RedisProvider() = default;

Result<std::string_view> RedisProvider::url_of(const lattice::Link& link) const {
  for (const auto& [key, value] : link.values) {
    if (capability::same_ignoring_case(key, kUrl)) return std::string_view(value);
  }
  if (!default_url_) return fail(default_url_.error());
  return std::string_view(*default_url_);
}

runtime::Task<void> RedisProvider::link_put(lattice::Link link) {
  CO_TRY_OK(capability::LinkValues::read(link));
  CO_TRY(const std::string_view wanted, url_of(link));
  const std::string url(wanted);
  CO_TRY(const auto parsed, parse_redis_url(url));
  const auto before = url_of_actor_.find(link.actor_id);
  if (before != url_of_actor_.end() && before->second != url)
    CO_TRY_OK(co_await forget(link.actor_id));
  url_of_actor_[link.actor_id] = url;
  CO_TRY(const auto client, client_here(url));
  CO_TRY_OK(co_await client->check(runtime::Deadline::in(kCheckTimeout)));
  LOG(info, "kvredis: actor {} uses Redis at {}, database {}", link.actor_id, parsed.shown(),
      parsed.database);
  co_return Result<void>{};
}

std::string RedisProvider::warning_about(const lattice::Link& link) const {
  return capability::warning_about_unknown(link, {kUrl});
}

runtime::Task<void> RedisProvider::link_delete(lattice::Link link) {
  co_return co_await forget(std::move(link.actor_id));
}

// Closes the connections that no other actor's link needs.
runtime::Task<void> RedisProvider::forget(std::string actor_id) {
  const auto node = url_of_actor_.extract(actor_id);
  if (node.empty()) co_return Result<void>{};
  const std::string url = node.mapped();
  const bool used = std::any_of(url_of_actor_.begin(), url_of_actor_.end(),
                                [&](const auto& other) { return other.second == url; });
  if (used) co_return Result<void>{};
  co_return co_await context_.cores.on_each([this, url] { return close_here(url); });
}

runtime::Task<void> RedisProvider::close_here(std::string url) {
  const auto node = per_core_[runtime::Core::current().index()].clients.extract(url);
  if (!node.empty()) node.mapped()->close();
  co_return Result<void>{};
}

Result<std::shared_ptr<RedisClient>> RedisProvider::client_here(std::string_view url) {
  auto& here = per_core_[runtime::Core::current().index()];
  if (const auto found = here.clients.find(url); found != here.clients.end()) return found->second;
  if (here.stopped) return fail(Errc::unavailable, kSite, "the provider has stopped");
  TRY(auto parsed, parse_redis_url(url));
  auto client = std::make_shared<RedisClient>(std::move(parsed));
  here.clients.emplace(url, client);
  return client;
}

runtime::Task<Bytes> RedisProvider::handle(const lattice::Link& link, std::string_view operation,
                                           BytesView payload, runtime::Deadline deadline) {
  CO_TRY(const auto call, capability::decode_key_value_call(operation, payload));
  CO_TRY(const auto url, url_of(link));
  CO_TRY(const auto client, client_here(url));
  auto reply = co_await client->call(redis_command(call), deadline);
  if (!reply) {
    Error error = std::move(reply).error();
    error.detail.insert(0, "redis error: ");
    co_return fail(std::move(error));
  }
  co_return redis_answer(call, **reply);
}

// The connections of core 0 stand for those of the others, which lead to the same places.
runtime::Task<void> RedisProvider::health() {
  const auto clients = per_core_[0].clients;
  for (const auto& [url, client] : clients) {
    CO_TRY_OK(co_await client->check(runtime::Deadline::in(kCheckTimeout)));
  }
  co_return Result<void>{};
}

runtime::Task<void> RedisProvider::stop(runtime::Deadline) {
  url_of_actor_.clear();
  co_return co_await context_.cores.on_each([this] { return stop_here(); });
}

runtime::Task<void> RedisProvider::stop_here() {
  auto& here = per_core_[runtime::Core::current().index()];
  here.stopped = true;
  for (const auto& [url, client] : here.clients) client->close();
  here.clients.clear();
  co_return Result<void>{};
}

}  // namespace trellis::keyvalue
