#include "host/config_service.h"

#include <fmt/format.h>

#include <algorithm>

#include "artifact/foreign_text.h"
#include "base/log.h"
#include "host/sent_credentials.h"
#include "runtime/parking.h"

namespace trellis::host {
namespace {

using namespace std::chrono_literals;

constexpr auto kAnswerTimeout = 2s;
constexpr std::size_t kToldMax = 20;  // entries that mean nothing, told one by one

}  // namespace

// Somebody listens now who did not when the service was asked.
struct ConfigService::Arrival {
  runtime::Parking* waiting = nullptr;
  bool listening = false;

  void tell(bool listens) {
    if (listens && !listening && waiting != nullptr) waiting->wake();
    listening = listens;
  }
};

ConfigService::ConfigService(Parts& parts, ActorTable& actors, ProviderTable& providers)
    : parts_(parts),
      actors_(actors),
      providers_(providers),
      subject_(parts.subjects.config_request()),
      arrival_(std::make_shared<Arrival>()) {
  parts_.control_bus.watch_interest(subject_,
                                    [arrival = arrival_](bool listens) { arrival->tell(listens); });
}

ConfigService::~ConfigService() = default;

runtime::Task<void> ConfigService::run() {
  runtime::Parking arrived(runtime::Core::current());
  arrival_->waiting = &arrived;
  auto reply = co_await ask();
  while (!reply && reply.error().code != Errc::cancelled) {
    LOG(warn, "no configuration came from {}: {}; the host runs on without it", subject_,
        artifact::shown(reply.error().detail));
    if (co_await arrived.wait() == runtime::Wake::cancelled) break;
    reply = co_await ask();
  }
  arrival_->waiting = nullptr;
  if (!reply) co_return Result<void>{};
  co_return co_await start(std::move(*reply));
}

runtime::Task<ConfigReply> ConfigService::ask() {
  lattice::Message message;
  message.subject = subject_;
  message.data = to_bytes(config_request(parts_.config.labels));
  CO_TRY(const auto reply, co_await parts_.control_bus.request(
                               std::move(message), runtime::Deadline::in(kAnswerTimeout)));
  co_return parse_config_reply(as_text(reply.data));
}

runtime::Task<void> ConfigService::start(ConfigReply reply) {
  LOG(info, "the configuration service asks for {} providers and {} actors", reply.providers.size(),
      reply.actors.size());
  for (std::size_t i = 0; i < std::min(reply.passed_over.size(), kToldMax); ++i)
    LOG(warn, "the configuration service: passed over {}", reply.passed_over[i]);
  if (reply.passed_over.size() > kToldMax)
    LOG(warn, "… and {} more", reply.passed_over.size() - kToldMax);
  take_credentials(std::move(reply.credentials), parts_.credentials);
  // Each failure has been told to the log and the lattice; the others start all the same.
  std::size_t failed = 0;
  for (auto& provider : reply.providers) {
    const auto started = co_await providers_.start({.provider_ref = std::move(provider.reference),
                                                    .link_name = std::move(provider.link_name),
                                                    .host_id = {},
                                                    .configuration = {},
                                                    .annotations = {}});
    failed += started ? 0 : 1;
    if (!started && started.error().code == Errc::cancelled) co_return Result<void>{};
  }
  for (auto& actor : reply.actors) {
    const auto started = co_await actors_.start(
        {.actor_ref = std::move(actor), .host_id = {}, .count = 1, .annotations = {}});
    failed += started ? 0 : 1;
    if (!started && started.error().code == Errc::cancelled) co_return Result<void>{};
  }
  LOG(info, "what the configuration service asked for has been started{}",
      failed == 0 ? "" : fmt::format(", except for {}", failed));
  co_return Result<void>{};
}

}  // namespace trellis::host
