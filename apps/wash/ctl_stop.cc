#include <fmt/format.h>

#include "arguments.h"
#include "ctl.h"

namespace trellis::wash {
namespace {

using control::milliseconds;

struct StopArguments {
  std::string host_id, key, link_name, contract_id;
  std::uint16_t count = 1;
  bool skip_wait = false;
  std::uint64_t host_timeout_ms = 2000;
};

// A timeout after an acknowledged stop mostly means that nothing of that name was running there.
Error explain_timeout(const Error& error, const std::string& host_id) {
  if (error.code != Errc::timeout) return error;
  return caused_by(
      error.detail,
      Error{error.code, error.site,
            fmt::format("the host took the request but reported no stop; was it running? "
                        "`wash ctl get inventory {}` shows what is",
                        host_id)});
}

Result<Output> stop_actor(const Ctl& ctl, const StopArguments& arguments) {
  TRY(Lattice lattice, ctl.lattice());
  Spinner spinner = ctl.context.spinner(fmt::format(" Stopping actor {} ... ", arguments.key));
  TRY(control::Client client, connect(lattice.options));
  TRY(control::EventWatch events, client.watch_events());
  Result<void> sent =
      client.send(control::StopActor{arguments.key, arguments.host_id, arguments.count, {}});
  if (!sent)
    return fail(explain_silence(sent.error(), arguments.host_id, lattice.options.lattice_prefix));
  if (arguments.skip_wait)
    return result_output(fmt::format("Request to stop actor {} received", arguments.key));
  control::Outcome stopped{arguments.host_id, "actor_stopped", "actor_stop_failed",
                           "public_key",      "public_key",    arguments.key};
  Result<void> done = wait_for_outcome(events, stopped, lattice.options.timeout);
  if (!done) return fail(explain_timeout(done.error(), arguments.host_id));
  return result_output(fmt::format("Actor {} stopped", arguments.key));
}

Result<Output> stop_provider(const Ctl& ctl, const StopArguments& arguments) {
  TRY_OK(check_contract(arguments.contract_id));
  TRY(Lattice lattice, ctl.lattice());
  Spinner spinner = ctl.context.spinner(fmt::format(" Stopping provider {} ... ", arguments.key));
  TRY(control::Client client, connect(lattice.options));
  TRY(control::EventWatch events, client.watch_events());
  Result<void> sent = client.send(
      control::StopProvider{
          arguments.key, arguments.link_name, arguments.contract_id, arguments.host_id, {}},
      lattice.options.timeout);
  if (!sent)
    return fail(explain_silence(sent.error(), arguments.host_id, lattice.options.lattice_prefix));
  if (arguments.skip_wait)
    return result_output(fmt::format("Provider {} stop request received", arguments.key));
  control::Outcome stopped{arguments.host_id, "provider_stopped", "provider_stop_failed",
                           "public_key",      "public_key",       arguments.key};
  Result<void> done = wait_for_outcome(events, stopped, lattice.options.timeout);
  if (!done) return fail(explain_timeout(done.error(), arguments.host_id));
  return result_output(fmt::format("Provider {} stopped successfully", arguments.key));
}

Result<Output> stop_host(const Ctl& ctl, const StopArguments& arguments) {
  TRY(Lattice lattice, ctl.lattice());
  Spinner spinner = ctl.context.spinner(fmt::format(" Stopping host {} ... ", arguments.host_id));
  TRY(control::Client client, connect(lattice.options));
  Result<void> sent = client.send(control::StopHost{arguments.host_id, arguments.host_timeout_ms});
  if (!sent)
    return fail(explain_silence(sent.error(), arguments.host_id, lattice.options.lattice_prefix));
  return result_output(fmt::format("Host {} acknowledged stop request", arguments.host_id));
}

void add_host(CLI::App& app, StopArguments& into) {
  add_key(app, "host-id", into.host_id, "N", "Public key of the host")->required();
}

}  // namespace

void add_ctl_stop(CLI::App& ctl, const CtlPtr& shared) {
  CLI::App& stop = add_group(ctl, "stop", "Stop an actor, a provider or a host");

  CLI::App& actor = *stop.add_subcommand("actor", "Stop instances of an actor on a host");
  auto actor_stop = std::make_shared<StopArguments>();
  add_host(actor, *actor_stop);
  add_key(actor, "actor-id", actor_stop->key, "M", "Public key of the actor")->required();
  actor.add_option("--count", actor_stop->count, "Number of instances to stop; 0 stops all")
      ->capture_default_str()
      ->type_name("<COUNT>");
  actor.add_flag("--skip-wait", actor_stop->skip_wait, "Return when the host has the request");
  shared->context.on(
      actor,
      "wash ctl stop actor NCPGH5CVPO3BAZ5OSQKXYHDKPBT3JXLG5EAOTG7XOXUWJ6AHZCFT57SI \\\n"
      "      MBCFOPM6JW2APJLXJD3Z5O4CN7CPYJ2B4FTKLJUR5YR5MITIU7HD3WD5",
      [shared, actor_stop] { return stop_actor(*shared, *actor_stop); });

  CLI::App& provider = *stop.add_subcommand("provider", "Stop a provider on a host");
  auto provider_stop = std::make_shared<StopArguments>();
  add_host(provider, *provider_stop);
  add_key(provider, "provider-id", provider_stop->key, "V", "Public key of the provider")
      ->required();
  provider.add_option("link-name", provider_stop->link_name, "Link name of the provider")
      ->required();
  provider
      .add_option("contract-id", provider_stop->contract_id,
                  "Contract, such as wasmcloud:httpserver")
      ->required();
  provider.add_flag("--skip-wait", provider_stop->skip_wait,
                    "Return when the host has the request");
  shared->context.on(
      provider,
      "wash ctl stop provider NCPGH5CVPO3BAZ5OSQKXYHDKPBT3JXLG5EAOTG7XOXUWJ6AHZCFT57SI \\\n"
      "      VAG3QITQQ2ODAOWB5TTQSDJ53XK3SHBEIFNK4AYJ5RKAX2UNSCAPHA5M default "
      "wasmcloud:httpserver",
      [shared, provider_stop] { return stop_provider(*shared, *provider_stop); });

  CLI::App& host = *stop.add_subcommand("host", "Stop a host and all that runs on it");
  auto host_stop = std::make_shared<StopArguments>();
  add_host(host, *host_stop);
  host.add_option("--host-timeout", host_stop->host_timeout_ms,
                  "How long the host may take for it, in milliseconds")
      ->capture_default_str()
      ->type_name("<MS>");
  shared->context.on(host,
                     "wash ctl stop host NCPGH5CVPO3BAZ5OSQKXYHDKPBT3JXLG5EAOTG7XOXUWJ6AHZCFT57SI",
                     [shared, host_stop] { return stop_host(*shared, *host_stop); });
}

}  // namespace trellis::wash
