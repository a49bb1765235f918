#include <fmt/format.h>

#include <algorithm>
#include <type_traits>

#include "arguments.h"
#include "artifact/reference.h"
#include "codec/json.h"
#include "ctl.h"
#include "files.h"
#include "reference_argument.h"

namespace trellis::wash {
namespace {

using control::milliseconds;

struct StartArguments {
  std::string reference, host_id, link_name = "default", config_file;
  std::uint16_t count = 1;
  std::vector<std::string> constraints;
  std::uint64_t auction_timeout_ms = 2000;
  bool skip_wait = false;
};

// How long the start may take before wash gives up watching for it, unless the user says how long.
constexpr milliseconds kActorStart{5'000};
constexpr milliseconds kProviderStart{60'000};
constexpr milliseconds kHostsQuiet{500};  // after the last answer of a host
constexpr std::size_t kHostsAskedMax = 100;

// "wasmcloud.azurecr.io/httpserver" of "wasmcloud.azurecr.io/httpserver:0.16.3": a provider that is
// part of a host answers to any version.
std::string without_version(const std::string& reference) {
  Result<artifact::Reference> parsed = artifact::parse_reference(reference);
  const bool has_version = parsed && parsed->kind == artifact::Reference::Kind::oci;
  return has_version ? parsed->name() : reference;
}

bool is_same(const control::ProviderDescription& running, const control::ProviderAuction& wanted) {
  return running.link_name == wanted.link_name &&
         without_version(running.image_ref) == without_version(wanted.provider_ref);
}

bool fits(const control::StringMap& labels, const control::StringMap& constraints) {
  return std::ranges::all_of(constraints, [&](const auto& constraint) {
    const auto found = labels.find(constraint.first);
    return found != labels.end() && found->second == constraint.second;
  });
}

// Why no host offered to run an actor: wash does not know.
std::string why_silent(control::Client&, const control::ActorAuction&) { return {}; }

// Hosts are silent about a provider they have already; their inventories tell. "" when none does.
std::string why_silent(control::Client& client, const control::ProviderAuction& auction) {
  auto hosts = client.hosts(client.options().timeout, kHostsQuiet);
  if (!hosts) return {};
  hosts->resize(std::min(hosts->size(), kHostsAskedMax));
  for (const control::HostDescription& host : *hosts) {
    if (!fits(host.labels, auction.constraints)) continue;
    Result<control::HostInventory> inventory = client.inventory(host.id);
    if (!inventory) continue;
    for (const control::ProviderDescription& provider : inventory->providers)
      if (is_same(provider, auction))
        return fmt::format(
            "{} runs on host {} already, as {} with the link name '{}': a host runs one under each "
            "link name. Another is started with another --link-name, or on another host",
            provider.image_ref, host.id, provider.id, provider.link_name);
  }
  return {};
}

template <class Auction>
std::string what_to_look_at(const control::Client& client, const Auction& auction) {
  std::string hint =
      fmt::format("no host of the lattice '{}' offered to run it; `wash ctl get hosts` lists them",
                  client.options().lattice_prefix);
  if (!auction.constraints.empty())
    hint +=
        ", and their labels must match --constraint: `wash ctl get inventory <host-id>` shows them";
  if (std::is_same_v<Auction, control::ProviderAuction>)
    hint += ". Where it already runs under this link name no second one is started";
  return hint;
}

// The host that was asked for, else the first that bids.
template <class Auction>
Result<std::string> choose_host(control::Client& client, const StartArguments& arguments,
                                Auction auction) {
  if (!arguments.host_id.empty()) return arguments.host_id;
  TRY(auction.constraints, parse_pairs(arguments.constraints));
  Result<std::string> host = client.auction(auction, milliseconds(arguments.auction_timeout_ms));
  if (host || host.error().code != Errc::not_found) return host;
  std::string hint = why_silent(client, auction);
  if (hint.empty()) hint = what_to_look_at(client, auction);
  return fail(
      caused_by(host.error().detail, Error{Errc::not_found, host.error().site, std::move(hint)}));
}

Result<Output> start_actor(const Ctl& ctl, const StartArguments& arguments) {
  const std::string& ref = arguments.reference;
  TRY(Lattice lattice, ctl.lattice());
  Spinner spinner = ctl.context.spinner(fmt::format(" Starting actor {} ... ", ref));
  TRY(control::Client client, connect(lattice.options));
  TRY(std::string host, choose_host(client, arguments, control::ActorAuction{ref, {}, {}}));
  TRY(control::EventWatch events, client.watch_events());
  Result<void> sent = client.send(control::StartActor{ref, host, arguments.count, {}});
  if (!sent) return fail(explain_silence(sent.error(), host, lattice.options.lattice_prefix));
  if (arguments.skip_wait)
    return result_output(fmt::format("Start actor request received: {}, host: {}", ref, host));
  control::Outcome started{host,        "actor_started", "actor_start_failed",
                           "image_ref", "actor_ref",     ref};
  TRY_OK(wait_for_outcome(events, started,
                          lattice.timeout_given ? lattice.options.timeout : kActorStart));
  return result_output(fmt::format("Actor {} started on host {}", ref, host));
}

// The configuration as the provider gets it: the text of the file, which must be JSON.
Result<std::string> read_configuration(const std::string& path) {
  if (path.empty()) return std::string();
  Result<std::string> text = read_file(path);
  if (!text)
    return fail(Errc::invalid, "wash.config_json",
                fmt::format("Error reading provider configuration: {}", text.error().detail));
  if (!codec::json_parse(*text))
    return fail(Errc::invalid, "wash.config_json",
                fmt::format("Configuration path provided but was invalid JSON: {}", path));
  return text;
}

Result<Output> start_provider(const Ctl& ctl, const StartArguments& arguments) {
  const std::string& ref = arguments.reference;
  TRY(std::string configuration, read_configuration(arguments.config_file));
  TRY(Lattice lattice, ctl.lattice());
  Spinner spinner = ctl.context.spinner(fmt::format(" Starting provider {} ... ", ref));
  TRY(control::Client client, connect(lattice.options));
  TRY(std::string host,
      choose_host(client, arguments, control::ProviderAuction{ref, arguments.link_name, {}, {}}));
  TRY(control::EventWatch events, client.watch_events());
  Result<void> sent = client.send(
      control::StartProvider{ref, arguments.link_name, host, std::move(configuration), {}});
  if (!sent) return fail(explain_silence(sent.error(), host, lattice.options.lattice_prefix));
  if (arguments.skip_wait)
    return result_output(fmt::format("Start provider request received: {}", ref));
  control::Outcome started{host,        "provider_started", "provider_start_failed",
                           "image_ref", "provider_ref",     ref};
  TRY_OK(wait_for_outcome(events, started,
                          lattice.timeout_given ? lattice.options.timeout : kProviderStart));
  return result_output(fmt::format("Provider {} started on host {}", ref, host));
}

void add_choice_of_host(CLI::App& app, StartArguments& into) {
  add_key(app, "--host-id", into.host_id, "N",
          "Host to start it on; without it the first that offers")
      ->type_name("<HOST_ID>");
  app.add_option("-c,--constraint", into.constraints,
                 "Label a host must have, as label=value; may be repeated")
      ->allow_extra_args(false)
      ->type_name("<LABEL=VALUE>");
  app.add_option("--auction-timeout-ms", into.auction_timeout_ms,
                 "How long hosts may take to offer, in milliseconds")
      ->capture_default_str()
      ->type_name("<MS>")
      ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{3'600'000}).description(""));
  app.add_flag("--skip-wait", into.skip_wait,
               "Return when the host has the request, before the start");
}

}  // namespace

void add_ctl_start(CLI::App& ctl, const CtlPtr& shared) {
  CLI::App& start = add_group(ctl, "start", "Start an actor or a provider");

  CLI::App& actor = *start.add_subcommand("actor", "Start an actor from a reference or a file");
  auto to_start = std::make_shared<StartArguments>();
  add_reference(
      actor, "actor-ref", to_start->reference,
      "Reference of the actor, such as registry/echo:0.3.4, or file:///path/to/actor_s.wasm")
      ->required();
  add_choice_of_host(actor, *to_start);
  actor.add_option("--count", to_start->count, "Number of instances")
      ->capture_default_str()
      ->type_name("<COUNT>");
  shared->context.on(actor, "wash ctl start actor wasmcloud.azurecr.io/echo:0.3.4",
                     [shared, to_start] { return start_actor(*shared, *to_start); });

  CLI::App& provider =
      *start.add_subcommand("provider", "Start a capability provider from a reference");
  auto provider_start = std::make_shared<StartArguments>();
  add_reference(provider, "provider-ref", provider_start->reference,
                "Reference of the provider, such as registry/httpserver:0.16.3")
      ->required();
  provider.add_option("-l,--link-name", provider_start->link_name, "Link name of the provider")
      ->capture_default_str()
      ->type_name("<NAME>");
  provider
      .add_option("--config-json", provider_start->config_file,
                  "File with the provider's configuration, JSON")
      ->type_name("<FILE>");
  add_choice_of_host(provider, *provider_start);
  shared->context.on(provider, "wash ctl start provider wasmcloud.azurecr.io/httpserver:0.16.3",
                     [shared, provider_start] { return start_provider(*shared, *provider_start); });
}

}  // namespace trellis::wash
