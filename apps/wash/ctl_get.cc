#include <fmt/format.h>

#include "arguments.h"
#include "ctl.h"
#include "ctl_tables.h"

namespace trellis::wash {
namespace {

// How long after the last answer another host's is still waited for, unless the user says how long
// to wait.
constexpr control::milliseconds kQuiet{500};

Result<Output> get_hosts(const Ctl& ctl) {
  TRY(Lattice lattice, ctl.lattice());
  Spinner spinner = ctl.context.spinner(" Retrieving Hosts ...");
  TRY(control::Client client, connect(lattice.options));
  control::milliseconds window = lattice.options.timeout;
  TRY(auto hosts, client.hosts(window, lattice.timeout_given ? window : kQuiet));
  spinner.stop();
  if (hosts.empty())
    ctl.context.note(
        fmt::format("No host answered on the lattice '{}' at {}:{}. Start one with `wash up`.",
                    lattice.options.lattice_prefix, lattice.options.host, lattice.options.port));
  return Output{hosts_table(hosts), {{"hosts", hosts_json(hosts)}}};
}

Result<Output> get_inventory(const Ctl& ctl, const std::string& host_id) {
  TRY(Lattice lattice, ctl.lattice());
  Spinner spinner =
      ctl.context.spinner(fmt::format(" Retrieving inventory for host {} ...", host_id));
  TRY(control::Client client, connect(lattice.options));
  Result<control::HostInventory> inventory = client.inventory(host_id);
  if (!inventory)
    return fail(explain_silence(inventory.error(), host_id, lattice.options.lattice_prefix));
  return Output{inventory_table(*inventory), {{"inventory", inventory_json(*inventory)}}};
}

Result<Output> get_claims(const Ctl& ctl) {
  TRY(Lattice lattice, ctl.lattice());
  Spinner spinner = ctl.context.spinner(" Retrieving claims ... ");
  TRY(control::Client client, connect(lattice.options));
  Result<control::ClaimsList> claims = client.claims();
  if (!claims) return fail(explain_silence(claims.error(), "", lattice.options.lattice_prefix));
  return Output{claims_table(*claims), {{"claims", control::to_json(*claims)}}};
}

}  // namespace

void add_ctl_get(CLI::App& ctl, const CtlPtr& shared) {
  CLI::App& get = add_group(ctl, "get", "Retrieve information about the lattice");

  CLI::App& hosts = *get.add_subcommand("hosts", "Show the hosts of the lattice");
  shared->context.on(hosts, "wash ctl get hosts", [shared] { return get_hosts(*shared); });

  CLI::App& inventory = *get.add_subcommand(
      "inventory", "Show what runs on a host: its labels, actors and providers");
  auto host_id = std::make_shared<std::string>();
  add_key(inventory, "host-id", *host_id, "N",
          "Public key of the host, as `wash ctl get hosts` shows it")
      ->required();
  shared->context.on(
      inventory, "wash ctl get inventory NCPGH5CVPO3BAZ5OSQKXYHDKPBT3JXLG5EAOTG7XOXUWJ6AHZCFT57SI",
      [shared, host_id] { return get_inventory(*shared, *host_id); });

  CLI::App& claims =
      *get.add_subcommand("claims", "Show the claims of all actors and providers known");
  shared->context.on(claims, "wash ctl get claims", [shared] { return get_claims(*shared); });
}

}  // namespace trellis::wash
