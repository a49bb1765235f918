#include "host/link_table.h"

#include <optional>
#include <utility>

#include "base/log.h"
#include "host/provider_links.h"

namespace trellis::host {
namespace {

using namespace std::chrono_literals;

constexpr std::uint32_t kRefreshesQueuedMax = 100'000;
constexpr auto kRefreshTimeout = 30s;
// Together less than the two seconds for which wash waits.
constexpr auto kOutcomeElsewhere = 1'500ms;
constexpr auto kOutcomeHere = 1'200ms;
constexpr auto kOutcomePoll = 5ms;

}  // namespace

LinkTable::LinkTable(Parts& parts, ProviderTable& providers, const Peers& peers)
    : parts_(parts), providers_(providers), peers_(peers), turn_(1, kRefreshesQueuedMax) {
  // Providers start with those that are known.
  for (auto& link : parts_.state.links()) handed_over_.emplace(name_of(link), std::move(link));
}

runtime::Task<control::LinkStatus> LinkTable::put(lattice::Link link) {
  std::optional<lattice::Link> before;
  if (const auto* old = parts_.state.link(link.actor_id, link.contract_id, link.link_name)) {
    if (*old != link) before = *old;
  }
  CO_TRY_OK(co_await parts_.state.put_link(link));
  if (before) {
    // Providers elsewhere keep the values they have until those are taken back (docs/protocol.md
    // §3.8).
    if (tell_bus(*before, true))
      CO_TRY_OK(
          co_await runtime::Core::current().sleep_until(runtime::Deadline::in(kLinkChangeSettles)));
    // It leads to another provider now: the former one lets go of it.
    if (before->provider_id != link.provider_id)
      CO_TRY_OK(co_await providers_.link_deleted(*before));
  }
  // As it is by now: another change may have come meanwhile.
  const auto* now = parts_.state.link(link.actor_id, link.contract_id, link.link_name);
  if (now != nullptr) tell_bus(*now, false);
  parts_.events.publish(parts_.events.make.linkdef_set(link));
  LOG(info, "link set: {} → {} ({}, {})", link.actor_id, link.provider_id, link.contract_id,
      link.link_name);
  CO_TRY_OK(co_await refresh_routes());
  CO_TRY_OK(co_await hand_over(link));
  CO_TRY(auto elsewhere, co_await outcome_elsewhere(link));
  co_return elsewhere ? *std::move(elsewhere) : providers_.status_of(link);
}

runtime::Task<void> LinkTable::hand_over(lattice::Link link) {
  CO_TRY_OK(co_await providers_.link_put(link));
  handed_over_.insert_or_assign(name_of(link), std::move(link));
  co_return Result<void>{};
}

runtime::Task<control::LinkStatus> LinkTable::outcome_here(lattice::Link link) {
  const auto latest = runtime::Deadline::in(kOutcomeHere);
  for (;;) {
    const auto handed = handed_over_.find(name_of(link));
    if ((handed != handed_over_.end() && handed->second == link) || latest.expired()) break;
    CO_TRY_OK(co_await runtime::Core::current().sleep_until(runtime::Deadline::in(kOutcomePoll)));
  }
  co_return providers_.status_of(link);
}

runtime::Task<std::vector<control::LinkStatus>> LinkTable::states(
    std::vector<lattice::Link> links) {
  std::vector<control::LinkStatus> states;
  states.reserve(links.size());
  for (const auto& link : links) states.push_back(providers_.status_of(link));
  runtime::TaskGroup asking(runtime::Core::current());
  for (std::size_t i = 0; i < links.size(); ++i)
    asking.spawn("link state", ask_elsewhere(links[i], states[i]));
  while (asking.size() > 0) {  // each has its deadline; a cancelled one ends at once
    if (const auto ended = co_await asking.join(runtime::Deadline::in(kOutcomeElsewhere)); !ended)
      asking.cancel();
  }
  co_return states;
}

runtime::Task<void> LinkTable::ask_elsewhere(lattice::Link link, control::LinkStatus& into) {
  CO_TRY(auto elsewhere, co_await outcome_elsewhere(std::move(link)));
  if (elsewhere) into = *std::move(elsewhere);
  co_return Result<void>{};
}

runtime::Task<std::optional<control::LinkStatus>> LinkTable::outcome_elsewhere(lattice::Link link) {
  using Outcome = std::optional<control::LinkStatus>;
  const auto host = peers_.host_of_provider(link.provider_id, link.link_name);
  if (host.empty() || providers_.runs(link)) co_return Outcome();
  lattice::Message question{.subject = parts_.subjects.link_outcome(host),
                            .reply = {},
                            .headers = {},
                            .data = lattice::to_msgpack(link, true)};
  const auto answer = co_await parts_.control_bus.request(std::move(question),
                                                          runtime::Deadline::in(kOutcomeElsewhere));
  if (!answer) {
    if (answer.error().code == Errc::cancelled) co_return fail(answer.error());
    co_return Outcome();  // a host of 2022, or one that is busy: nobody knows yet
  }
  auto status = control::parse<control::LinkStatus>(as_text(answer->data));
  co_return status ? Outcome(*std::move(status)) : Outcome();
}

runtime::Task<bool> LinkTable::remove(std::string actor_id, std::string contract_id,
                                      std::string link_name) {
  CO_TRY(const auto removed,
         co_await parts_.state.delete_link(std::move(actor_id), std::move(contract_id),
                                           std::move(link_name)));
  if (!removed) co_return false;
  handed_over_.erase(name_of(*removed));
  tell_bus(*removed, true);
  parts_.events.publish(parts_.events.make.linkdef_deleted(*removed));
  LOG(info, "link deleted: {} → {} ({}, {})", removed->actor_id, removed->provider_id,
      removed->contract_id, removed->link_name);
  CO_TRY_OK(co_await refresh_routes());
  CO_TRY_OK(co_await providers_.link_deleted(*removed));
  co_return true;
}

runtime::Task<void> LinkTable::put_elsewhere(lattice::Link link,
                                             std::optional<lattice::Link> replaced) {
  CO_TRY_OK(co_await refresh_routes());
  if (replaced && replaced->provider_id != link.provider_id)
    CO_TRY_OK(co_await providers_.link_deleted(std::move(*replaced)));
  co_return co_await hand_over(std::move(link));
}

runtime::Task<void> LinkTable::deleted_elsewhere(lattice::Link link) {
  handed_over_.erase(name_of(link));
  CO_TRY_OK(co_await refresh_routes());
  co_return co_await providers_.link_deleted(std::move(link));
}

bool LinkTable::tell_bus(const lattice::Link& link, bool deleted) {
  if (!providers_.is_for_the_bus(link)) return false;
  lattice::Message message;
  message.subject = deleted ? parts_.subjects.provider_link_del(link.provider_id, link.link_name)
                            : parts_.subjects.provider_link_put(link.provider_id, link.link_name);
  message.data = lattice::to_msgpack(link, !deleted);
  if (auto sent = parts_.bus.publish(std::move(message)); !sent) {
    LOG(warn, "a link change was not told to the bus: {}", sent.error().describe());
  }
  return true;
}

runtime::Task<void> LinkTable::refresh_routes() {
  const std::uint64_t mine = ++wanted_;
  CO_TRY(const auto turn, co_await turn_.enter(runtime::Deadline::in(kRefreshTimeout)));
  if (built_ >= mine) co_return Result<void>{};
  const std::uint64_t building = wanted_;
  CO_TRY_OK(co_await parts_.router.set_table(std::make_shared<const RoutingTable>(build())));
  built_ = building;
  co_return Result<void>{};
}

std::vector<LinkTable::Calls> LinkTable::calls() const {
  std::vector<Calls> all;
  for (const auto& [name, cells] : calls_) {
    const auto& [actor, contract, link_name] = name;
    all.push_back({actor, contract, link_name, cells});
  }
  return all;
}

RoutingTable LinkTable::build() {
  RoutingTable table;
  auto before = std::exchange(calls_, {});
  for (auto& link : parts_.state.links()) {
    auto& calls = calls_[name_of(link)];
    calls = std::move(before[name_of(link)]);
    if (!calls) calls = std::make_shared<runtime::PerCore<CallCells>>(parts_.cores.size());
    auto& links = table.links_of_actor[link.actor_id];
    links.push_back(providers_.route(std::move(link)));
    links.back().calls = calls;
  }
  for (const auto& record : parts_.state.all_claims()) {
    if (record.call_alias.empty()) continue;
    if (auto key = parts_.state.key_of_alias(record.call_alias))
      table.key_of_alias[record.call_alias] = *key;
  }
  return table;
}

}  // namespace trellis::host
