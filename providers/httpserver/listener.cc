#include "httpserver/listener.h"

#include <fmt/format.h>

#include "base/log.h"
#include "capability/http_contract.h"

namespace trellis::httpserver {
namespace {

// What the client sees when the actor gave no answer: 503 when trying again may help, else 500. The
// reason is for the operator, not for the client.
net::HttpResponse failure(const Error& error) {
  const bool passing = error.code == Errc::timeout || error.code == Errc::unavailable ||
                       error.code == Errc::exhausted || error.code == Errc::not_found;
  net::HttpResponse response;
  response.status = passing ? 503 : 500;
  if (error.code == Errc::exhausted || error.code == Errc::not_found) {
    response.headers.push_back({"retry-after", "1"});
  }
  return response;
}

capability::HttpCall to_call(const net::HttpRequest& request) {
  capability::HttpCall call{.method = request.method,
                            .path = request.path,
                            .query = request.query,
                            .headers = {},
                            .body = request.body};
  call.headers.reserve(request.headers.size());
  for (const auto& [name, value] : request.headers) call.headers.push_back({name, value});
  return call;
}

}  // namespace

Listener::Listener(std::size_t cores, capability::Actors& actors, std::string actor_id,
                   Settings settings, std::chrono::milliseconds rpc_timeout)
    : actors_(actors),
      actor_id_(std::move(actor_id)),
      settings_(std::move(settings)),
      cors_(settings_.cors),
      log_level_(log::parse_level(settings_.log_level).value_or(log::Level::info)),
      timeout_(settings_.timeout.value_or(rpc_timeout)),
      failures_(cores),
      cells_(std::make_shared<runtime::PerCore<HttpCells>>(cores)) {}

runtime::Task<std::unique_ptr<Listener>> Listener::open(runtime::Cores& cores,
                                                        capability::Actors& actors,
                                                        std::string actor_id, Settings settings,
                                                        std::chrono::milliseconds rpc_timeout) {
  std::unique_ptr<Listener> listener(
      new Listener(cores.size(), actors, std::move(actor_id), std::move(settings), rpc_timeout));
  net::HttpServerOptions options;
  options.address = listener->settings_.address;
  options.cells = listener->cells_;
  options.tls = !listener->settings_.tls_certificate.empty();
  options.tls_files = {listener->settings_.tls_certificate, listener->settings_.tls_private_key};
  CO_TRY(listener->server_, co_await net::HttpServer::listen(cores, std::move(options), *listener));
  co_return listener;
}

runtime::Task<net::HttpResponse> Listener::handle(const net::HttpRequest& request) {
  if (auto answer = cors_.answer(request)) co_return std::move(*answer);
  const auto begun = std::chrono::steady_clock::now();
  const Bytes payload = capability::encode_http_call(to_call(request));
  auto reply = co_await actors_.call(actor_id_, capability::kHandleRequest, payload,
                                     runtime::Deadline{begun + timeout_});
  cells_->here().durations.add(std::chrono::steady_clock::now() - begun);
  if (!reply) {
    log_failure(request, reply.error());
    co_return failure(reply.error());
  }

  net::HttpResponse response;
  response.storage = std::move(*reply);
  auto answer = capability::decode_http_answer(response.storage);
  if (!answer) {
    LOG(warn, "actor {} gave an answer that is no HttpResponse: {}", actor_id_,
        answer.error().describe());
    co_return net::HttpResponse{.status = 500, .headers = {}, .body = {}, .storage = {}};
  }
  if (answer->status < 200 || answer->status > 599) {
    LOG(warn, "actor {} answered with status {}, which is none of HTTP's", actor_id_,
        answer->status);
    co_return net::HttpResponse{.status = 500, .headers = {}, .body = {}, .storage = {}};
  }
  response.status = answer->status;
  for (const auto& [name, value] : answer->headers) response.headers.push_back({name, value});
  response.body = answer->body;
  cors_.decorate(request, response);
  co_return response;
}

void Listener::log_failure(const net::HttpRequest& request, const Error& error) {
  if (log_level_ > log::Level::warn || error.code == Errc::exhausted) return;  // load that is shed
  const auto index = runtime::Core::current().index();
  const auto count = failures_[index].due(error.code, std::chrono::steady_clock::now());
  if (count == 0) return;
  LOG(warn, "{} {} for actor {}: {}{}", request.method, request.path, actor_id_, error.describe(),
      count == 1 ? "" : fmt::format(" (and {} more that failed like this)", count - 1));
}

runtime::Task<void> Listener::reload_certificate() {
  if (settings_.tls_certificate.empty()) co_return Result<void>{};
  auto reloaded = co_await server_->reload_tls();
  if (!reloaded) {
    reloaded.error().detail +=
        fmt::format("; {} goes on with the certificate that was loaded before", settings_.address);
    co_return reloaded;
  }
  LOG(info, "httpserver: {} uses the certificate that is in {} now", settings_.address,
      settings_.tls_certificate);
  co_return reloaded;
}

runtime::Task<void> Listener::leave() { co_return co_await server_->leave(); }

runtime::Task<void> Listener::close(runtime::Deadline deadline) {
  co_return co_await server_->close(deadline);
}

}  // namespace trellis::httpserver
