// The control interface's questions and commands, each with its subject and the texts of its
// failures.
#include <fmt/format.h>

#include "codec/json.h"
#include "control/client.h"

namespace trellis::control {
namespace {

Error worded(std::string_view words, const Error& error) {
  return Error{error.code, error.site, fmt::format("{}: {}", words, error.detail)};
}

template <class T>
Result<T> read_answer(Result<std::string> answer, std::string_view words) {
  if (!answer) return fail(worded(words, answer.error()));
  Result<T> parsed = parse<T>(*answer);
  if (!parsed) return fail(worded(words, parsed.error()));
  return parsed;
}

}  // namespace

Result<std::vector<HostDescription>> Client::hosts(milliseconds window, milliseconds quiet) {
  constexpr std::size_t kHostsMax = 10'000;
  TRY(std::vector<std::string> answers,
      collect(subject("ping.hosts"), "", window, quiet, kHostsMax));
  std::vector<HostDescription> hosts;
  for (const std::string& answer : answers) {
    Result<HostDescription> host = parse<HostDescription>(answer);
    if (host) hosts.push_back(std::move(*host));
  }
  return hosts;
}

Result<HostInventory> Client::inventory(const std::string& host_id) {
  return read_answer<HostInventory>(ask(fmt::format("get.{}.inv", host_id), "", options().timeout),
                                    "Did not receive host inventory from target host");
}

Result<ClaimsList> Client::claims() {
  return read_answer<ClaimsList>(ask("get.claims", "", options().timeout),
                                 "Did not receive claims from lattice");
}

Result<LinkList> Client::links() {
  return read_answer<LinkList>(ask("get.links", "", options().timeout),
                               "Did not receive a response to links query");
}

Result<std::string> Client::auction(const ActorAuction& auction, milliseconds window) {
  std::string body = codec::json_write(to_json(auction));
  TRY(std::vector<std::string> bids, collect(subject("auction.actor"), body, window, window, 1));
  Result<ActorAuction> bid = bids.empty() ? ActorAuction{} : parse<ActorAuction>(bids.front());
  if (!bid || bid->host_id.empty())
    return fail(Errc::not_found, "control.auction",
                fmt::format("No suitable hosts found for actor {}", auction.actor_ref));
  return bid->host_id;
}

Result<std::string> Client::auction(const ProviderAuction& auction, milliseconds window) {
  std::string body = codec::json_write(to_json(auction));
  TRY(std::vector<std::string> bids, collect(subject("auction.provider"), body, window, window, 1));
  Result<ProviderAuction> bid =
      bids.empty() ? ProviderAuction{} : parse<ProviderAuction>(bids.front());
  if (!bid || bid->host_id.empty())
    return fail(Errc::not_found, "control.auction",
                fmt::format("No suitable hosts found for provider {}", auction.provider_ref));
  return bid->host_id;
}

Result<Ack> Client::acknowledged(const std::string& tail, const boost::json::object& body,
                                 std::string_view thing, milliseconds timeout) {
  std::string words = fmt::format("Did not receive {} acknowledgement", thing);
  TRY(Ack ack, read_answer<Ack>(ask(tail, codec::json_write(body), timeout), words));
  if (ack.accepted) return ack;
  return fail(Errc::denied, "control.refused", fmt::format("Operation failed: {}", ack.error));
}

Result<void> Client::command(const std::string& tail, const boost::json::object& body,
                             std::string_view thing, milliseconds timeout) {
  TRY_OK(acknowledged(tail, body, thing, timeout));
  return {};
}

Result<std::string> Client::put_link(const LinkDefinition& link) {
  auto ack = acknowledged("linkdefs.put", to_json(link), "advertise link", options().timeout);
  if (!ack) return fail(worded("Error advertising link", ack.error()));
  return std::move(ack->warning);
}

Result<std::string> Client::delete_link(const LinkDefinition& link) {
  auto ack = acknowledged("linkdefs.del", to_json(link), "remove link", options().timeout);
  if (!ack) return fail(worded("Error deleting link", ack.error()));
  return std::move(ack->warning);
}

Result<void> Client::send(const StartActor& order) {
  return command(fmt::format("cmd.{}.la", order.host_id), to_json(order), "start actor",
                 options().timeout);
}

Result<void> Client::send(const StopActor& order) {
  return command(fmt::format("cmd.{}.sa", order.host_id), to_json(order), "stop actor",
                 options().timeout);
}

Result<void> Client::send(const ScaleActor& order) {
  return command(fmt::format("cmd.{}.scale", order.host_id), to_json(order), "scale actor",
                 options().timeout);
}

Result<void> Client::send(const UpdateActor& order, milliseconds timeout) {
  return command(fmt::format("cmd.{}.upd", order.host_id), to_json(order), "update actor", timeout);
}

Result<void> Client::send(const StartProvider& order) {
  Result<void> done = command(fmt::format("cmd.{}.lp", order.host_id), to_json(order),
                              "start provider", options().timeout);
  // The one command whose failures 2022 words in its own way.
  if (!done && done.error().code == Errc::unavailable)
    return fail(Errc::unavailable, "control.nats",
                "Error sending or receiving message: nats: no responders");
  if (!done && done.error().code == Errc::timeout)
    return fail(Errc::timeout, "control.nats",
                "Did not receive start provider acknowledgement: deadline has elapsed");
  return done;
}

Result<void> Client::send(const StopProvider& order, milliseconds timeout) {
  return command(fmt::format("cmd.{}.sp", order.host_id), to_json(order), "stop provider", timeout);
}

Result<void> Client::send(const StopHost& order) {
  return command(fmt::format("cmd.{}.stop", order.host_id), to_json(order), "stop host",
                 options().timeout);
}

}  // namespace trellis::control
