#include "host/metrics.h"

#include "engine/wasmtime_shim.h"
#include "host/metrics_text.h"
#include "runtime/ask_each.h"

namespace trellis::host {
namespace {

using namespace std::chrono_literals;

constexpr auto kCoresAnswerWithin = 1s;
constexpr std::size_t kScrapesQueuedMax = 16;
constexpr auto kLagTimer = 1s;

runtime::Task<void> watch_lag(std::shared_ptr<runtime::PerCore<Durations>> lag) {
  for (;;) {
    const auto due = runtime::Deadline::in(kLagTimer);
    CO_TRY_OK(co_await runtime::Core::current().sleep_until(due));
    lag->here().add(std::chrono::steady_clock::now() - due.at);
  }
}

template <class T>
using Cells = std::shared_ptr<runtime::PerCore<T>>;

template <class T>
std::vector<T> copies_of(const std::vector<Cells<T>>& cells) {
  std::vector<T> copies;
  copies.reserve(cells.size());
  for (const auto& each : cells) copies.push_back(each->here());
  return copies;
}

}  // namespace

// What is asked for in one scrape. The cores hold it while they copy.
struct Metrics::Scrape {
  struct Copy {  // of one core
    std::vector<ActorCells> actors;
    std::vector<CallCells> links;
    std::vector<HttpCells> listeners;
    InvocationCells sent;
    Durations lag;
  };
  Copy copy_here() const {
    return {.actors = copies_of(actors),
            .links = copies_of(links),
            .listeners = copies_of(listeners),
            .sent = sent->here(),
            .lag = lag->here()};
  }

  MetricsSnapshot snapshot;  // names, and what core 0 knows alone
  std::vector<Cells<ActorCells>> actors;
  std::vector<Cells<CallCells>> links;
  std::vector<Cells<HttpCells>> listeners;
  Cells<InvocationCells> sent;
  Cells<Durations> lag;
  std::vector<Copy> copies;  // by core
};

Metrics::Metrics(Sources sources)
    : sources_(sources),
      lag_(std::make_shared<runtime::PerCore<Durations>>(sources.parts.cores.size())),
      turn_(1, kScrapesQueuedMax),
      writer_(1, kScrapesQueuedMax) {}

runtime::Task<void> Metrics::start() {
  co_return co_await sources_.parts.cores.on_each([lag = lag_]() -> runtime::Task<void> {
    runtime::Core::current().spawn("watching the loop", watch_lag(lag));
    return []() -> runtime::Task<void> { co_return Result<void>{}; }();
  });
}

runtime::Task<std::string> Metrics::text() {
  CO_TRY(const auto turn, co_await turn_.enter(runtime::Deadline::in(kCoresAnswerWithin)));
  const auto scrape = begin_scrape();
  std::function<Scrape::Copy()> copy = [scrape] { return scrape->copy_here(); };
  CO_TRY(scrape->copies, co_await runtime::ask_each(sources_.parts.cores, std::move(copy),
                                                    runtime::Deadline::in(kCoresAnswerWithin)));
  std::function<Result<std::string>()> write = [this, &scrape]() -> Result<std::string> {
    return finish(*scrape);
  };
  co_return co_await writer_.run<std::string>(std::move(write));
}

std::shared_ptr<Metrics::Scrape> Metrics::begin_scrape() const {
  const Parts& parts = sources_.parts;
  auto scrape = std::make_shared<Scrape>();
  auto& now = scrape->snapshot;
  now.version = TRELLIS_VERSION;
  now.engine_version = "wasmtime " WASMTIME_VERSION;
  now.host_key = parts.identity.host.public_key();
  now.host_name = parts.identity.friendly_name;
  now.lattice = parts.config.lattice;
  now.restarts = parts.config.restarts;
  now.started_at = std::chrono::duration<double>(started_at_.time_since_epoch()).count();
  now.uptime_seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - started_).count();
  now.bus = sources_.bus.numbers();
  now.bus_embedded = sources_.bus.embedded();
  now.events_dropped = parts.events.dropped() + sources_.call_events.dropped();
  now.engine = parts.engine.numbers();
  now.artifacts = sources_.registries.numbers();
  now.received = sources_.delivery.cells();
  now.links_by_state = {{"active", 0}, {"failed", 0}, {"pending", 0}};
  for (const auto& link : parts.state.links())
    ++now.links_by_state[sources_.providers.status_of(link).status];
  for (auto& provider : sources_.providers.numbers()) {
    for (auto& listener : provider.listeners) {
      now.listeners.push_back({listener.actor_id, provider.link_name, listener.address, {}});
      scrape->listeners.push_back(std::move(listener.cells));
    }
    now.providers.push_back({provider.key, provider.name, provider.link_name, provider.contract_id,
                             provider.up, provider.restarts});
  }
  for (auto& actor : sources_.actors.numbers()) {
    now.actors.push_back({std::move(actor.key), std::move(actor.name), {}});
    scrape->actors.push_back(std::move(actor.cells));
  }
  for (auto& link : sources_.links.calls()) {
    now.links.push_back({link.actor_id, link.contract_id, link.link_name, {}});
    scrape->links.push_back(std::move(link.cells));
  }
  scrape->sent = sources_.remote.cells();
  scrape->lag = lag_;
  return scrape;
}

std::string Metrics::finish(Scrape& scrape) {
  auto& now = scrape.snapshot;
  decltype(actors_) actors;
  for (std::size_t i = 0; i < now.actors.size(); ++i) {
    ActorCells sum = std::move(actors_[now.actors[i].key]);
    sum.clear();
    for (const auto& copy : scrape.copies) sum += copy.actors[i];
    now.actors[i].cells = sum;
    actors[now.actors[i].key] = std::move(sum);
  }
  actors_ = std::move(actors);
  decltype(links_) links;
  for (std::size_t i = 0; i < now.links.size(); ++i) {
    const auto& of = now.links[i];
    const std::tuple key(of.actor_id, of.contract_id, of.link_name);
    CallCells sum = std::move(links_[key]);
    sum.clear();
    for (const auto& copy : scrape.copies) sum += copy.links[i];
    now.links[i].calls = sum;
    links[key] = std::move(sum);
  }
  links_ = std::move(links);
  for (const auto& copy : scrape.copies) {
    for (std::size_t i = 0; i < now.listeners.size(); ++i)
      now.listeners[i].cells += copy.listeners[i];
    now.sent += copy.sent;
    now.loop_lag.push_back(copy.lag);
  }
  now.process = read_process_numbers();
  return metrics_text(now);
}

}  // namespace trellis::host
