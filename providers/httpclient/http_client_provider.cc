#include "httpclient/http_client_provider.h"

#include <fmt/format.h>

#include "base/log.h"
#include "capability/http_client_contract.h"
#include "capability/link_values.h"
#include "httpclient/redirects.h"
#include "httpclient/settings.h"
#include "net/http_client.h"

namespace trellis::httpclient {
namespace {

constexpr const char* kSite = "httpclient";

}  // namespace

HttpClientProvider::HttpClientProvider(capability::ProviderContext context)
    : context_(std::move(context)),
      defaults_(capability::provider_config(context_.config_json)),
      per_core_(context_.cores.size()) {}
HttpClientProvider::~HttpClientProvider() = default;

runtime::Task<void> HttpClientProvider::link_put(lattice::Link link) {
  if (!defaults_) co_return fail(defaults_.error());
  auto settings = parse_settings(*defaults_, link);
  if (!settings) {  // the values that were good before do not stay in force
    CO_TRY_OK(co_await link_delete(link));
    co_return fail(settings.error());
  }
  const auto shared = std::make_shared<const Settings>(*std::move(settings));
  const std::string actor = link.actor_id;
  co_return co_await context_.cores.on_each(
      [this, actor, shared] { return set_here(actor, shared); });
}

std::string HttpClientProvider::warning_about(const lattice::Link& link) const {
  const auto settings = parse_settings(*defaults_, link);
  return settings ? oddities_of(*settings, link) : "";
}

runtime::Task<void> HttpClientProvider::link_delete(lattice::Link link) {
  const std::string actor = link.actor_id;
  co_return co_await context_.cores.on_each([this, actor] { return set_here(actor, nullptr); });
}

runtime::Task<void> HttpClientProvider::set_here(std::string actor_id, SharedSettings settings) {
  if (settings) {
    here().links[actor_id] = std::move(settings);
  } else {
    here().links.erase(actor_id);
  }
  co_return Result<void>{};
}

runtime::Task<Bytes> HttpClientProvider::handle(const lattice::Link& link,
                                                std::string_view operation, BytesView payload,
                                                runtime::Deadline deadline) {
  if (operation != capability::kHttpClientRequest)
    co_return fail(Errc::not_found, kSite, fmt::format("method not handled {}", operation));
  CO_TRY(const auto call, capability::decode_http_client_call(payload));
  auto& core = here();
  const auto found = core.links.find(link.actor_id);
  if (found == core.links.end()) {
    co_return fail(Errc::unavailable, kSite,
                   "the link's values are wrong; `wash ctl link query` says how");
  }
  if (core.stopped) co_return fail(Errc::unavailable, kSite, "the provider has stopped");
  if (!core.client) core.client = std::make_shared<net::HttpClient>(runtime::Core::current());
  const auto settings = found->second;
  const auto client = core.client;
  if (settings->timeout) deadline = deadline.earlier_of(runtime::Deadline::in(*settings->timeout));
  auto answer = co_await follow(*client, *settings, call, deadline);
  if (!answer) {
    Error error = std::move(answer).error();
    error.detail.insert(0, "sending request: ");
    co_return fail(std::move(error));
  }
  capability::HttpFields fields;
  for (const auto& header : answer->headers) fields.push_back({header.name, header.value});
  co_return capability::encode_http_client_answer(answer->status, fields, answer->body);
}

runtime::Task<void> HttpClientProvider::health() { co_return Result<void>{}; }

runtime::Task<void> HttpClientProvider::stop(runtime::Deadline) {
  co_return co_await context_.cores.on_each([this] { return stop_here(); });
}

runtime::Task<void> HttpClientProvider::stop_here() {
  auto& core = here();
  core.stopped = true;
  core.links.clear();
  if (core.client) core.client->close();
  core.client.reset();
  co_return Result<void>{};
}

}  // namespace trellis::httpclient
