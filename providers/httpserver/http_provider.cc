#include "httpserver/http_provider.h"

#include <fmt/format.h>

#include <vector>

#include "base/log.h"
#include "httpserver/listener.h"
#include "httpserver/unknown_settings.h"

namespace trellis::httpserver {
namespace {

using namespace std::chrono_literals;

constexpr auto kDrainTime = 10s;  // for requests in flight when a link goes

}  // namespace

HttpProvider::HttpProvider(capability::ProviderContext context)
    : context_(std::move(context)), draining_(runtime::Core::current()) {}
HttpProvider::~HttpProvider() = default;

runtime::Task<void> HttpProvider::link_put(lattice::Link link) {
  CO_TRY(Settings settings, parse_settings(link.values));
  if (const auto existing = listeners_.find(link.actor_id); existing != listeners_.end()) {
    if (existing->second->settings() == settings)
      co_return co_await existing->second->reload_certificate();
    CO_TRY_OK(co_await close(link.actor_id, runtime::Deadline::in(kDrainTime)));
  }
  const auto unknown = unknown_text(settings.unknown);
  auto opened = co_await Listener::open(context_.cores, context_.actors, link.actor_id,
                                        std::move(settings), context_.rpc_timeout);
  if (!opened) {  // perhaps because of what was mistyped
    if (!unknown.empty()) opened.error().detail += "; " + unknown;
    co_return fail(std::move(opened).error());
  }
  auto listener = std::move(*opened);
  if (leaving_) CO_TRY_OK(co_await listener->leave());
  LOG(info, "httpserver: actor {} answers on {}{}", link.actor_id, listener->settings().address,
      listener->settings().tls_certificate.empty() ? "" : " (TLS)");
  listeners_[link.actor_id] = std::move(listener);
  co_return Result<void>{};
}

runtime::Task<void> HttpProvider::link_delete(lattice::Link link) {
  co_return co_await close(link.actor_id, runtime::Deadline::in(kDrainTime));
}

std::string HttpProvider::warning_about(const lattice::Link& link) const {
  const auto found = listeners_.find(link.actor_id);
  if (found == listeners_.end() || found->second->settings().unknown.empty()) return {};
  const auto& settings = found->second->settings();
  return fmt::format("{}; it answers on {}", unknown_text(settings.unknown), settings.address);
}

// The port is free when this returns; requests in flight are answered behind it.
runtime::Task<void> HttpProvider::close(std::string actor_id, runtime::Deadline deadline) {
  auto node = listeners_.extract(actor_id);
  if (node.empty()) co_return Result<void>{};
  LOG(info, "httpserver: {} is free again", node.mapped()->settings().address);
  draining_.spawn("closing an HTTP listener", drain(std::move(node.mapped()), deadline));
  // Every core closes its socket before what is posted to it from here on.
  co_return co_await context_.cores.on_each(
      []() -> runtime::Task<void> { co_return Result<void>{}; });
}

runtime::Task<void> HttpProvider::drain(std::unique_ptr<Listener> listener,
                                        runtime::Deadline deadline) {
  co_return co_await listener->close(deadline);
}

runtime::Task<Bytes> HttpProvider::handle(const lattice::Link&, std::string_view operation,
                                          BytesView, runtime::Deadline) {
  co_return fail(
      Errc::not_found, "httpserver.operation",
      fmt::format("method not handled {}: the httpserver provider calls actors, it is not called",
                  operation));
}

std::vector<capability::HttpListener> HttpProvider::http_listeners() const {
  std::vector<capability::HttpListener> all;
  for (const auto& [actor, listener] : listeners_)
    all.push_back({actor, listener->settings().address, listener->cells()});
  return all;
}

runtime::Task<void> HttpProvider::health() { co_return Result<void>{}; }

runtime::Task<void> HttpProvider::prepare_stop() {
  leaving_ = true;
  std::vector<std::string> actors;
  for (const auto& [actor, listener] : listeners_) actors.push_back(actor);
  for (const auto& actor : actors) {
    const auto found = listeners_.find(actor);  // links may go meanwhile
    if (found != listeners_.end()) CO_TRY_OK(co_await found->second->leave());
  }
  co_return Result<void>{};
}

runtime::Task<void> HttpProvider::stop(runtime::Deadline deadline) {
  std::vector<std::string> actors;
  for (const auto& [actor, listener] : listeners_) actors.push_back(actor);
  for (auto& actor : actors) {
    if (auto closed = co_await close(actor, deadline); !closed) {
      LOG(warn, "httpserver: closing the listener of {}: {}", actor, closed.error().describe());
    }
  }
  if (auto ended = co_await draining_.join(deadline); !ended) {
    LOG(warn, "httpserver: {}; their connections are cut", ended.error().describe());
    draining_.cancel();
    co_await runtime::detail::join_always(draining_);  // what they refer to goes with this object
  }
  co_return Result<void>{};
}

}  // namespace trellis::httpserver
