#include "host/control_service.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/log.h"
#include "codec/json.h"
#include "control/registry_credentials.h"
#include "host/sent_credentials.h"

namespace trellis::host {
namespace {

namespace json = boost::json;

using namespace std::chrono_literals;

constexpr const char* kSite = "host.control";
constexpr auto kStopDelay = 100ms;  // docs/protocol.md §6.8

std::string_view last_token(std::string_view subject) {
  return subject.substr(subject.rfind('.') + 1);
}

Result<boost::json::object> parse_object(std::string_view body, const char* refusal) {
  auto value = codec::json_parse(body);
  if (!value || !value->is_object()) return fail(Errc::invalid, kSite, refusal);
  return std::move(value->as_object());
}

Result<lattice::Link> parse_link(std::string_view body) {
  constexpr const char* kRefusal = "Invalid link definition put request";
  TRY(const auto object, parse_object(body, kRefusal));
  auto link = lattice::link_from_json(object, kSite);
  if (!link)
    return fail(Errc::invalid, kSite, fmt::format("{}: {}", kRefusal, link.error().detail));
  for (const auto& token : {link->link_name, link->provider_id}) {
    if (lattice::valid_token(token)) continue;
    return fail(
        Errc::invalid, kSite,
        fmt::format("{}: '{}' must be one word without '.', '*', '>' or blanks", kRefusal, token));
  }
  return link;
}

// What a removal names: no provider, for an actor has one link under a contract and a link name.
Result<lattice::Link> parse_removal(std::string_view body) {
  constexpr const char* kRefusal = "Invalid link definition removal request";
  TRY(const auto object, parse_object(body, kRefusal));
  lattice::Link link;
  const std::pair<const char*, std::string*> fields[] = {{"actor_id", &link.actor_id},
                                                         {"contract_id", &link.contract_id},
                                                         {"link_name", &link.link_name}};
  for (const auto& [name, field] : fields) {
    TRY(const auto text, codec::json_string(object, name));
    if (!text) return fail(Errc::invalid, kSite, fmt::format("{}: it has no {}", kRefusal, name));
    *field = *text;
  }
  return link;
}

// A command whose failure the tables tell to the log and the lattice: once is enough.
runtime::Task<void> carry_out(runtime::Task<void> command) {
  (void)co_await std::move(command);
  co_return Result<void>{};
}

}  // namespace

ControlService::ControlService(Parts& parts, ActorTable& actors, ProviderTable& providers,
                               LinkTable& links, HostView host)
    : parts_(parts),
      actors_(actors),
      providers_(providers),
      links_(links),
      host_(std::move(host)) {}

Result<void> ControlService::on(std::string subject, std::string queue,
                                std::function<void(const lattice::Message&)> handler) {
  TRY(auto subscription,
      parts_.control_bus.subscribe(std::move(subject), std::move(queue), std::move(handler)));
  subscriptions_.push_back(std::move(subscription));
  return {};
}

Result<void> ControlService::subscribe() {
  const auto& s = parts_.subjects;
  const auto& me = parts_.identity.host.public_key();
  using M = const lattice::Message&;
  TRY_OK(on(s.command(me, "*"), "", [this](M m) { command(m); }));
  TRY_OK(on(s.ctl("ping.hosts"), "", [this](M m) {
    reply(m.reply, control::to_json(host_.describe()));
    host_.heartbeat();
  }));
  TRY_OK(on(s.ctl("get.claims"), s.ctl_queue(), [this](M m) { reply(m.reply, claims()); }));
  TRY_OK(on(s.ctl("get.links"), s.ctl_queue(),
            [this](M m) { parts_.tasks.spawn("links", answer_links(m.reply)); }));
  TRY_OK(on(s.inventory(me), "", [this](M m) { reply(m.reply, control::to_json(inventory())); }));
  TRY_OK(on(s.link_outcome(me), "", [this](M m) { tell_outcome(m); }));
  TRY_OK(on(s.ctl("linkdefs.put"), s.ctl_queue(), [this](M m) { put_link(m); }));
  TRY_OK(on(s.ctl("linkdefs.del"), s.ctl_queue(), [this](M m) { delete_link(m); }));
  TRY_OK(on(s.ctl("auction.actor"), "", [this](M m) { bid_for_actor(m); }));
  TRY_OK(on(s.ctl("auction.provider"), "", [this](M m) { bid_for_provider(m); }));
  TRY_OK(on(s.ctl("registries.put"), "", [this](M m) { put_registries(m); }));
  return {};
}

void ControlService::reply(const std::string& to, const json::object& body) {
  if (to.empty()) return;
  lattice::Message message{
      .subject = to, .reply = {}, .headers = {}, .data = to_bytes(codec::json_write(body))};
  if (auto sent = parts_.control_bus.publish(std::move(message)); !sent) {
    LOG(warn, "an answer was not sent: {}", sent.error().describe());
  }
}

void ControlService::acknowledge(const std::string& to, const Result<void>& outcome) {
  reply(to,
        control::to_json(control::Ack{outcome.has_value(), outcome ? "" : outcome.error().detail}));
}

// --- commands to this host ---

void ControlService::command(const lattice::Message& message) {
  using Handler = void (ControlService::*)(const std::string&, std::string_view);
  static constexpr std::pair<std::string_view, Handler> kCommands[] = {
      {"la", &ControlService::start_actor},    {"sa", &ControlService::stop_actor},
      {"scale", &ControlService::scale_actor}, {"upd", &ControlService::update_actor},
      {"lp", &ControlService::start_provider}, {"sp", &ControlService::stop_provider},
      {"stop", &ControlService::stop_host}};
  const auto name = last_token(message.subject);
  for (const auto& [known, handler] : kCommands) {
    if (name == known) return (this->*handler)(message.reply, as_text(message.data));
  }
  LOG(warn, "unknown command on {}", message.subject);
}

void ControlService::start_actor(const std::string& to, std::string_view body) {
  auto request = control::parse<control::StartActor>(body);
  if (!request) return acknowledge(to, fail(std::move(request).error()));
  acknowledge(to, {});
  parts_.tasks.spawn("start actor", carry_out(actors_.start(std::move(*request))));
}

void ControlService::stop_actor(const std::string& to, std::string_view body) {
  auto request = control::parse<control::StopActor>(body);
  if (!request) return acknowledge(to, fail(std::move(request).error()));
  if (!actors_.running(request->actor_ref)) {
    return acknowledge(
        to, fail(Errc::not_found, kSite,
                 fmt::format("actor {} is not running on this host", request->actor_ref)));
  }
  parts_.tasks.spawn("stop actor", stop_and_answer(to, std::move(*request)));
}

runtime::Task<void> ControlService::stop_and_answer(std::string to, control::StopActor request) {
  const auto outcome = co_await actors_.stop(std::move(request));
  acknowledge(to, outcome);
  co_return outcome;
}

void ControlService::scale_actor(const std::string& to, std::string_view body) {
  auto request = control::parse<control::ScaleActor>(body);
  if (!request) return acknowledge(to, fail(std::move(request).error()));
  if (!request->host_id.empty() && request->host_id != parts_.identity.host.public_key()) {
    return acknowledge(to, fail(Errc::invalid, kSite,
                                "Command received by incorrect host and could not be processed"));
  }
  if (!actors_.running(request->actor_id) && request->count > 0 && request->actor_ref.empty()) {
    return acknowledge(
        to, fail(Errc::invalid, kSite,
                 fmt::format("actor {} is not running here; scaling it up needs its reference",
                             request->actor_id)));
  }
  acknowledge(to, {});
  parts_.tasks.spawn("scale actor", carry_out(actors_.scale(std::move(*request))));
}

void ControlService::update_actor(const std::string& to, std::string_view body) {
  auto request = control::parse<control::UpdateActor>(body);
  if (!request) return acknowledge(to, fail(std::move(request).error()));
  parts_.tasks.spawn("update actor", update_and_answer(to, std::move(*request)));
}

runtime::Task<void> ControlService::update_and_answer(std::string to,
                                                      control::UpdateActor request) {
  acknowledge(to, co_await actors_.update(std::move(request)));
  co_return Result<void>{};
}

void ControlService::start_provider(const std::string& to, std::string_view body) {
  auto request = control::parse<control::StartProvider>(body);
  if (!request) return acknowledge(to, fail(std::move(request).error()));
  if (providers_.running(request->provider_ref, request->link_name)) {
    const char* refusal = "Provider with that link name is already running on this host";
    parts_.events.publish(parts_.events.make.provider_start_failed(request->provider_ref,
                                                                   request->link_name, refusal));
    return acknowledge(to, fail(Errc::invalid, kSite, refusal));
  }
  acknowledge(to, {});
  parts_.tasks.spawn("start provider", carry_out(providers_.start(std::move(*request))));
}

void ControlService::stop_provider(const std::string& to, std::string_view body) {
  auto request = control::parse<control::StopProvider>(body);
  if (!request) return acknowledge(to, fail(std::move(request).error()));
  if (!providers_.has(request->provider_ref, request->link_name)) {
    return acknowledge(
        to, fail(Errc::not_found, kSite,
                 fmt::format("No provider is running with public key {} and link name \"{}\"",
                             request->provider_ref, request->link_name)));
  }
  acknowledge(to, {});
  parts_.tasks.spawn("stop provider", providers_.stop(std::move(*request)));
}

void ControlService::stop_host(const std::string& to, std::string_view body) {
  auto request = control::parse<control::StopHost>(body);
  if (!request) return acknowledge(to, fail(std::move(request).error()));
  if (!request->host_id.empty() && request->host_id != parts_.identity.host.public_key()) {
    return acknowledge(
        to, fail(Errc::invalid, kSite, "Handled stop request for incorrect host. Ignoring"));
  }
  acknowledge(to, {});
  parts_.tasks.spawn("stop host", stop_soon());
}

runtime::Task<void> ControlService::stop_soon() {
  // Clients drop an answer that comes together with the end of their connection.
  CO_TRY_OK(co_await runtime::Core::current().sleep_until(runtime::Deadline::in(kStopDelay)));
  host_.request_stop();
  co_return Result<void>{};
}

// --- registries ---

// No answer is expected; what goes wrong is said in the log, which never shows a secret.
void ControlService::put_registries(const lattice::Message& message) {
  auto sent = control::parse_registry_credentials(as_text(message.data));
  if (!sent) {
    LOG(warn, "registry credentials were not taken: {}", sent.error().describe());
    return;
  }
  take_credentials(std::move(*sent), parts_.credentials);
}

// --- links ---

void ControlService::put_link(const lattice::Message& message) {
  auto link = parse_link(as_text(message.data));
  if (!link) return acknowledge(message.reply, fail(std::move(link).error()));
  parts_.tasks.spawn("put link", put_and_answer(message.reply, std::move(*link)));
}

runtime::Task<void> ControlService::put_and_answer(std::string to, lattice::Link link) {
  const auto status = co_await links_.put(std::move(link));
  if (!status) {
    acknowledge(to, fail(status.error()));
    co_return fail(status.error());
  }
  control::Ack ack;
  if (status->status == "failed")
    ack.warning = "the link is kept, but it does not work: " + status->reason;
  else if (status->status == "active")
    ack.warning = status->reason;
  reply(to, control::to_json(ack));
  co_return Result<void>{};
}

// Asked by the host that took a command to put a link to a provider that runs here.
void ControlService::tell_outcome(const lattice::Message& message) {
  auto link = lattice::link_from_msgpack(message.data);
  if (link) parts_.tasks.spawn("link outcome", answer_outcome(message.reply, std::move(*link)));
}

runtime::Task<void> ControlService::answer_outcome(std::string to, lattice::Link link) {
  CO_TRY(const auto status, co_await links_.outcome_here(std::move(link)));
  reply(to, control::to_json(status));
  co_return Result<void>{};
}

void ControlService::delete_link(const lattice::Message& message) {
  auto link = parse_removal(as_text(message.data));
  if (!link) return acknowledge(message.reply, fail(std::move(link).error()));
  parts_.tasks.spawn("delete link", delete_and_answer(message.reply, std::move(*link)));
}

runtime::Task<void> ControlService::delete_and_answer(std::string to, lattice::Link link) {
  const auto removed = co_await links_.remove(link.actor_id, link.contract_id, link.link_name);
  if (!removed) {
    acknowledge(to, fail(removed.error()));
    co_return fail(removed.error());
  }
  control::Ack ack;
  if (!*removed) {
    ack.warning = fmt::format("there was no link of {} on {} ({})", link.actor_id, link.contract_id,
                              link.link_name);
  }
  reply(to, control::to_json(ack));
  co_return Result<void>{};
}

// --- auctions: silence is "no" ---

bool ControlService::satisfies(const control::StringMap& constraints) const {
  const auto& labels = parts_.config.labels;
  return std::all_of(constraints.begin(), constraints.end(), [&](const auto& constraint) {
    const auto found = labels.find(constraint.first);
    return found != labels.end() && found->second == constraint.second;
  });
}

void ControlService::bid_for_actor(const lattice::Message& message) {
  auto auction = control::parse<control::ActorAuction>(as_text(message.data));
  if (leaving_ || !auction || !satisfies(auction->constraints)) return;
  auction->host_id = parts_.identity.host.public_key();
  reply(message.reply, control::to_json(*auction));
}

void ControlService::bid_for_provider(const lattice::Message& message) {
  auto auction = control::parse<control::ProviderAuction>(as_text(message.data));
  if (leaving_ || !auction || !satisfies(auction->constraints)) return;
  if (providers_.running(auction->provider_ref, auction->link_name)) return;
  auction->host_id = parts_.identity.host.public_key();
  reply(message.reply, control::to_json(*auction));
}

// --- what is asked about ---

control::HostInventory ControlService::inventory() const {
  return {.host_id = parts_.identity.host.public_key(),
          .issuer = parts_.identity.cluster.public_key(),
          .friendly_name = parts_.identity.friendly_name,
          .labels = parts_.config.labels,
          .actors = actors_.describe(),
          .providers = providers_.describe()};
}

runtime::Task<void> ControlService::answer_links(std::string to) {
  CO_TRY(const auto list, co_await links());
  reply(to, list);
  co_return Result<void>{};
}

runtime::Task<json::object> ControlService::links() {
  const auto links = parts_.state.links();
  CO_TRY(const auto states, co_await links_.states(links));
  json::array list;
  for (std::size_t i = 0; i < links.size(); ++i) {
    auto object = lattice::to_json(links[i]);
    object["status"] = states[i].status;
    object["reason"] = states[i].reason;
    list.push_back(std::move(object));
  }
  co_return json::object{{"links", std::move(list)}};
}

json::object ControlService::claims() const {
  json::array list;
  for (const auto& record : parts_.state.all_claims()) list.push_back(record.to_json());
  return {{"claims", std::move(list)}};
}

}  // namespace trellis::host
